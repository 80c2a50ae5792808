'use strict';
// Polygons as the scripts beside the page carry them, and what of them is drawn:
// triangles with their face's normal, and each edge of a polygon once.

// bytes decodes base64.
function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out.buffer;
}

function unpack(g) {
  const corners = bytes(g.c);
  return {
    positions: new Float32Array(bytes(g.p)),
    corners: g.wide ? new Uint32Array(corners) : new Uint16Array(corners),
    starts: new Uint32Array(bytes(g.s)),
  };
}

// sphere returns the middle of the box around all corners and the distance of
// the farthest corner from it.
function sphere(m) {
  const lo = [Infinity, Infinity, Infinity], hi = [-Infinity, -Infinity, -Infinity];
  const p = m.positions;
  for (const c of m.corners) {
    for (let a = 0; a < 3; a++) {
      const x = p[3 * c + a];
      if (x < lo[a]) lo[a] = x;
      if (x > hi[a]) hi[a] = x;
    }
  }
  const center = lo.map((x, a) => (x + hi[a]) / 2);
  let far = 0;
  for (const c of m.corners) {
    far = Math.max(far, Math.hypot(p[3 * c] - center[0], p[3 * c + 1] - center[1], p[3 * c + 2] - center[2]));
  }
  return { center, radius: far || 1 };
}

// area returns the cross product at corner a of triangle a, b, c.
function area(p, a, b, c) {
  const ux = p[3 * b] - p[3 * a], uy = p[3 * b + 1] - p[3 * a + 1], uz = p[3 * b + 2] - p[3 * a + 2];
  const vx = p[3 * c] - p[3 * a], vy = p[3 * c + 1] - p[3 * a + 1], vz = p[3 * c + 2] - p[3 * a + 2];
  return [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
}

// anchor returns the corner of a face from which a fan of triangles folds
// nowhere, or 0 if there is none.
function anchor(p, face, n) {
  const k = face.length;
  if (k === 3) return 0;
  for (let at = 0; at < k; at++) {
    let fits = true;
    for (let i = 1; i + 1 < k && fits; i++) {
      const t = area(p, face[at], face[(at + i) % k], face[(at + i + 1) % k]);
      fits = t[0] * n[0] + t[1] * n[1] + t[2] * n[2] >= 0;
    }
    if (fits) return at;
  }
  return 0;
}

function faceNormal(p, face) {
  const n = [0, 0, 0];
  for (let i = 1; i + 1 < face.length; i++) {
    const t = area(p, face[0], face[i], face[i + 1]);
    for (let a = 0; a < 3; a++) n[a] += t[a];
  }
  return n;
}

// surface lays out triangles, seven numbers a corner: position, normal, and the
// number of corners of the face, from 3 to 5.
function surface(m) {
  const faces = m.starts.length - 1;
  const out = new Float32Array(7 * 3 * (m.corners.length - 2 * faces));
  let at = 0;
  for (let f = 0; f < faces; f++) {
    const face = m.corners.subarray(m.starts[f], m.starts[f + 1]);
    const n = faceNormal(m.positions, face);
    const l = Math.hypot(n[0], n[1], n[2]) || 1;
    const first = anchor(m.positions, face, n);
    const k = face.length;
    for (let i = 1; i + 1 < k; i++) {
      for (const c of [face[first], face[(first + i) % k], face[(first + i + 1) % k]]) {
        out.set(m.positions.subarray(3 * c, 3 * c + 3), at);
        out[at + 3] = n[0] / l;
        out[at + 4] = n[1] / l;
        out[at + 5] = n[2] / l;
        out[at + 6] = Math.min(k, 5);
        at += 7;
      }
    }
  }
  return out;
}

// outline lists the two ends of every edge of a polygon, each edge once, and
// their mean length.
function outline(m) {
  const seen = new Set();
  const ends = [];
  const p = m.positions, v = p.length / 3;
  let total = 0;
  for (let f = 0; f + 1 < m.starts.length; f++) {
    let a = m.corners[m.starts[f + 1] - 1];
    for (let c = m.starts[f]; c < m.starts[f + 1]; c++) {
      const b = m.corners[c];
      const key = Math.min(a, b) * v + Math.max(a, b);
      if (!seen.has(key)) {
        seen.add(key);
        for (const x of [a, b]) ends.push(p[3 * x], p[3 * x + 1], p[3 * x + 2]);
        total += Math.hypot(p[3 * a] - p[3 * b], p[3 * a + 1] - p[3 * b + 1], p[3 * a + 2] - p[3 * b + 2]);
      }
      a = b;
    }
  }
  return { ends: new Float32Array(ends), mean: total / Math.max(seen.size, 1) };
}
