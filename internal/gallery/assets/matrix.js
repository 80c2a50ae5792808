// 4x4 matrices, column by column.

function times(a, b) {
  const out = new Float32Array(16);
  for (let c = 0; c < 4; c++) {
    for (let r = 0; r < 4; r++) {
      for (let i = 0; i < 4; i++) out[4 * c + r] += a[4 * i + r] * b[4 * c + i];
    }
  }
  return out;
}

function perspective(fov, aspect, near, far) {
  const f = 1 / Math.tan(fov / 2);
  return [f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, (2 * far * near) / (near - far), 0];
}

// turned looks at the origin from distance d, turned by yaw about Y and then
// by pitch about X, and shifted by x and y on the screen.
function turned(yaw, pitch, d, x, y) {
  const cy = Math.cos(yaw), sy = Math.sin(yaw), cp = Math.cos(pitch), sp = Math.sin(pitch);
  return [cy, sp * sy, -cp * sy, 0, 0, cp, sp, 0, sy, -sp * cy, cp * cy, 0, x, y, -d, 1];
}

// fitted moves a sphere to the origin and makes its radius one.
function fitted(s) {
  const k = 1 / s.radius;
  return [k, 0, 0, 0, 0, k, 0, 0, 0, 0, k, 0, -k * s.center[0], -k * s.center[1], -k * s.center[2], 1];
}
