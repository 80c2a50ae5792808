// A card's canvases, which share one camera, and the ways to move it.

const START = { yaw: -0.6, pitch: 0.38, zoom: 1, x: 0, y: 0 };

const stage = new Stage();
const viewers = new Map(); // key -> viewers of that geometry
const dirty = new Set();
let colors = null;

// mortonGeometry is called by the scripts beside the page.
window.mortonGeometry = (key, sides) => {
  for (const v of viewers.get(key) || []) v.take(sides);
};

function readColors() {
  const style = getComputedStyle(document.documentElement);
  colors = {};
  for (const name of ['tri', 'quad', 'ngon', 'edge']) {
    const hex = style.getPropertyValue('--' + name).trim().slice(1);
    colors[name] = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
  }
}

function redraw(v) {
  v.stale = true;
  if (dirty.size === 0) requestAnimationFrame(paint);
  dirty.add(v);
}

function paint() {
  const now = [...dirty];
  dirty.clear();
  for (const v of now) v.paint();
}

class Viewer {
  constructor(card) {
    this.card = card;
    this.camera = { ...START };
    this.canvases = [...card.querySelectorAll('canvas')];
    this.meshes = {};
    this.pointers = new Map();
    this.seen = false;
    this.loaded = false;
    this.stale = true; // what its canvases show is not what they should
    const others = viewers.get(card.dataset.key) || [];
    viewers.set(card.dataset.key, [...others, this]);
    for (const c of this.canvases) this.listen(c);
    const reset = card.querySelector('.reset');
    if (reset) reset.addEventListener('click', () => this.reset());
  }

  // show loads the meshes when the card first comes near.
  show(seen) {
    this.seen = seen;
    if (!seen) return;
    if (!this.loaded) {
      this.loaded = true;
      const s = document.createElement('script');
      s.src = document.body.dataset.gallery + this.card.dataset.key + '.js';
      s.onerror = () => this.fail('The geometry of this result was not found beside the page.');
      document.head.append(s);
    }
    if (this.stale) redraw(this);
  }

  take(sides) {
    if (Object.keys(this.meshes).length) return;
    for (const [side, g] of Object.entries(sides)) this.meshes[side] = unpack(g);
    redraw(this);
  }

  fail(text) {
    for (const c of this.canvases) {
      const p = document.createElement('p');
      p.className = 'why';
      p.textContent = text;
      c.replaceWith(p);
    }
    this.canvases = [];
  }

  paint() {
    if (!this.seen || !stage.works) return;
    this.stale = false;
    for (const c of this.canvases) {
      const mesh = this.meshes[c.dataset.side];
      if (!mesh || !c.clientWidth) continue;
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const w = Math.round(c.clientWidth * ratio), h = Math.round(c.clientHeight * ratio);
      if (c.width !== w || c.height !== h) Object.assign(c, { width: w, height: h });
      stage.draw(mesh, this.camera, c.getContext('2d'), colors, edgesShown());
      c.parentElement.classList.add('drawn');
    }
  }

  reset() {
    Object.assign(this.camera, START);
    redraw(this);
  }

  turn(dx, dy) {
    this.camera.yaw += dx;
    this.camera.pitch = Math.max(-1.55, Math.min(1.55, this.camera.pitch + dy));
    redraw(this);
  }

  zoom(factor) {
    this.camera.zoom = Math.max(0.12, Math.min(4, this.camera.zoom * factor));
    redraw(this);
  }

  pan(dx, dy) {
    const limit = (x) => Math.max(-1.5, Math.min(1.5, x));
    this.camera.x = limit(this.camera.x + dx * this.camera.zoom);
    this.camera.y = limit(this.camera.y - dy * this.camera.zoom);
    redraw(this);
  }

  listen(c) {
    c.addEventListener('pointerdown', (e) => {
      c.focus({ preventScroll: true });
      c.setPointerCapture(e.pointerId);
      this.pointers.set(e.pointerId, [e.clientX, e.clientY]);
    });
    c.addEventListener('pointermove', (e) => this.moved(e, c));
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      c.addEventListener(end, (e) => this.pointers.delete(e.pointerId));
    }
    c.addEventListener('contextmenu', (e) => e.preventDefault());
    c.addEventListener('dblclick', () => this.reset());
    // The wheel scrolls the page until a mesh has been picked.
    c.addEventListener('wheel', (e) => {
      if (document.activeElement !== c && !e.ctrlKey) return;
      e.preventDefault();
      this.zoom(Math.exp(Math.max(-0.3, Math.min(0.3, e.deltaY * 0.0015))));
    }, { passive: false });
    c.addEventListener('keydown', (e) => this.pressed(e));
  }

  moved(e, c) {
    const before = this.pointers.get(e.pointerId);
    if (!before) return;
    const dx = e.clientX - before[0], dy = e.clientY - before[1];
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers.entries()].filter(([id]) => id !== e.pointerId).map(([, at]) => at);
      const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
      const is = Math.hypot(e.clientX - other[0], e.clientY - other[1]);
      if (was > 0 && is > 0) this.zoom(was / is);
      this.pan(dx / c.clientHeight, dy / c.clientHeight);
    } else if (e.shiftKey || e.buttons === 2 || e.buttons === 4) {
      this.pan((2 * dx) / c.clientHeight, (2 * dy) / c.clientHeight);
    } else {
      this.turn(dx * 0.009, dy * 0.009);
    }
    this.pointers.set(e.pointerId, [e.clientX, e.clientY]);
  }

  pressed(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const moves = {
      ArrowLeft: () => this.turn(-0.15, 0), ArrowRight: () => this.turn(0.15, 0),
      ArrowUp: () => this.turn(0, -0.15), ArrowDown: () => this.turn(0, 0.15),
      '+': () => this.zoom(0.85), '=': () => this.zoom(0.85), '-': () => this.zoom(1 / 0.85),
      0: () => this.reset(), Home: () => this.reset(),
    };
    if (!moves[e.key]) return;
    e.preventDefault();
    moves[e.key]();
  }
}

function edgesShown() {
  const box = document.getElementById('edges');
  return !box || box.checked;
}

function redrawAll() {
  for (const list of viewers.values()) list.forEach(redraw);
}
