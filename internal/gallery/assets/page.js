// The page: filters, theme, and what is near the window.

// wanted returns what the tools ask for.
function wanted() {
  const flag = document.getElementById('flag');
  return {
    family: document.querySelector('.filters [aria-pressed="true"]').dataset.family,
    flag: flag ? flag.value : '',
    text: document.getElementById('find').value.trim().toLowerCase(),
  };
}

function filterCards() {
  const w = wanted();
  const cards = document.querySelectorAll('.card');
  let shown = 0;
  for (const card of cards) {
    const keep = (!w.family || card.dataset.family === w.family) && (!w.flag || (card.dataset.flags || '').split('|').includes(w.flag)) && card.dataset.name.toLowerCase().includes(w.text);
    card.hidden = !keep;
    if (keep) shown++;
  }
  document.getElementById('none').hidden = shown > 0;
  document.getElementById('count').textContent = shown < cards.length ? `${shown} of ${cards.length} results` : '';
}

const search = () => (Number(document.body.dataset.pages) > 1 ? findEverywhere : filterCards)();

function press(button) {
  document.querySelectorAll('.filters button').forEach((b) => b.setAttribute('aria-pressed', String(b === button)));
}

// clearTools shows all cards again.
function clearTools() {
  press(document.querySelector('.filters button'));
  document.getElementById('find').value = '';
  const flag = document.getElementById('flag');
  if (flag) flag.value = '';
  search();
}

function startTools() {
  if (!document.querySelector('.tools')) return;
  for (const b of document.querySelectorAll('.filters button')) b.addEventListener('click', () => { press(b); search(); });
  document.getElementById('find').addEventListener('input', search);
  const flag = document.getElementById('flag');
  if (flag) flag.addEventListener('change', search);
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
if (location.hash) {
  const card = document.getElementById(location.hash.slice(1));
  if (card) card.focus();
}
