// Videos side by side: one button for both, and under each a line that shows
// where it is and, under a result, where what was given ends.

function startVideos(card) {
  const videos = [...card.querySelectorAll('video')];
  for (const v of videos) follow(v);
  const both = card.querySelector('.both');
  if (!both) return;
  const label = () => { both.textContent = videos.some((v) => !v.paused) ? 'Pause both' : 'Play both'; };
  both.addEventListener('click', () => {
    if (videos.some((v) => !v.paused)) {
      videos.forEach((v) => v.pause());
      return;
    }
    for (const v of videos) {
      v.currentTime = 0;
      v.play().catch(() => {});
    }
  });
  for (const v of videos) ['play', 'pause', 'ended'].forEach((e) => v.addEventListener(e, label));
}

function follow(video) {
  const figure = video.closest('figure');
  const line = figure.querySelector('.timeline');
  if (!line) return;
  const given = line.querySelector('.given'), head = line.querySelector('.head'), state = figure.querySelector('.state');
  const share = Number(line.dataset.prefix || 0);
  if (given) given.style.width = share + '%';
  const show = () => {
    const at = video.duration ? (100 * video.currentTime) / video.duration : 0;
    head.classList.add('on');
    head.style.left = at + '%';
    if (state) {
      const made = at >= share;
      state.classList.toggle('made', made);
      state.classList.toggle('given', !made);
      state.textContent = made ? state.dataset.made : state.dataset.given;
    }
    if (!video.paused) requestAnimationFrame(show);
  };
  video.addEventListener('play', show);
  video.addEventListener('seeked', show);
}
