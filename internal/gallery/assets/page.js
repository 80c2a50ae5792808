// The page: filters, theme, and what is near the window.

function filterCards() {
  const family = document.querySelector('.filters [aria-pressed="true"]').dataset.family;
  const text = document.getElementById('find').value.trim().toLowerCase();
  let shown = 0;
  for (const card of document.querySelectorAll('.card')) {
    const keep = (!family || card.dataset.family === family) && card.dataset.name.toLowerCase().includes(text);
    card.hidden = !keep;
    if (keep) shown++;
  }
  document.getElementById('none').hidden = shown > 0;
}

function startTools() {
  const buttons = [...document.querySelectorAll('.filters button')];
  for (const b of buttons) {
    b.addEventListener('click', () => {
      buttons.forEach((other) => other.setAttribute('aria-pressed', String(other === b)));
      filterCards();
    });
  }
  const find = document.getElementById('find');
  if (find) find.addEventListener('input', filterCards);
  const edges = document.getElementById('edges');
  if (edges) edges.addEventListener('change', redrawAll);
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  readColors();
  redrawAll();
}

function startTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let kept = null;
  try { kept = localStorage.getItem('morton-theme'); } catch { /* Not kept in this browser. */ }
  setTheme(kept === 'dark' || kept === 'light' ? kept : null);
  dark.addEventListener('change', () => setTheme(null));
  document.getElementById('theme').addEventListener('click', () => {
    const now = document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light');
    const next = now === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('morton-theme', next); } catch { /* As above. */ }
    setTheme(next);
  });
}

function startCards() {
  const near = new Map();
  for (const card of document.querySelectorAll('.card')) {
    if (card.dataset.family === 'video') startVideos(card);
    else if (card.dataset.key && stage.works) near.set(card, new Viewer(card));
  }
  const watch = new IntersectionObserver((entries) => {
    for (const e of entries) {
      const viewer = near.get(e.target);
      if (viewer) viewer.show(e.isIntersecting);
      else if (e.isIntersecting) e.target.querySelectorAll('video').forEach((v) => { if (v.preload === 'none') v.preload = 'metadata'; });
    }
  }, { rootMargin: '300px' });
  document.querySelectorAll('.card').forEach((card) => watch.observe(card));
  const size = new ResizeObserver((entries) => {
    for (const e of entries) if (near.has(e.target)) redraw(near.get(e.target));
  });
  near.forEach((_, card) => size.observe(card));
}

function refuse() {
  document.getElementById('no-webgl').hidden = false;
  for (const c of document.querySelectorAll('canvas')) {
    const p = document.createElement('p');
    p.className = 'why';
    p.textContent = c.parentElement.querySelector('img') ? '' : 'Not drawn: this browser has no WebGL.';
    c.replaceWith(p);
  }
}

startTheme();
startTools();
if (!stage.works && document.querySelector('canvas')) refuse();
stage.onrestored = redrawAll;
startCards();
