// The stage is the page's only WebGL context: browsers allow about 16, a page
// may have hundreds of meshes. It draws one mesh at a time, and the picture is
// copied to the mesh's own canvas.

const FOV = 0.6;
const KEPT = 24; // meshes on the device at a time

const FACE_VERTEX = `
attribute vec3 position, normal;
attribute float sides;
uniform mat4 model, view, lens;
uniform vec3 tri, quad, ngon;
varying vec3 tone, way, seen;
void main() {
  tone = sides < 3.5 ? tri : sides < 4.5 ? quad : ngon;
  vec4 at = view * model * vec4(position, 1.0);
  way = mat3(view[0].xyz, view[1].xyz, view[2].xyz) * normal;
  seen = at.xyz;
  gl_Position = lens * at;
}`;

const FACE_FRAGMENT = `
precision mediump float;
varying vec3 tone, way, seen;
void main() {
  vec3 n = normalize(way);
  float back = dot(n, seen) > 0.0 ? -1.0 : 1.0;
  n *= back;
  float key = max(dot(n, normalize(vec3(-0.35, 0.6, 0.72))), 0.0);
  float fill = max(dot(n, normalize(vec3(0.7, -0.2, 0.5))), 0.0);
  float light = 0.46 + 0.54 * key + 0.14 * fill;
  gl_FragColor = vec4(tone * light * (back < 0.0 ? 0.72 : 1.0), 1.0);
}`;

const LINE_VERTEX = `
attribute vec3 position;
uniform mat4 model, view, lens;
void main() {
  // A little nearer along the ray of sight, so that the faces beside a line do
  // not hide it. Polygon offset does this patchily on some drivers.
  vec4 at = view * model * vec4(position, 1.0);
  gl_Position = lens * vec4(at.xyz * 0.9975, 1.0);
}`;

const LINE_FRAGMENT = `
precision mediump float;
uniform vec4 ink;
void main() { gl_FragColor = vec4(ink.rgb * ink.a, ink.a); }`;

class Stage {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.gl = this.canvas.getContext('webgl', { antialias: true, preserveDrawingBuffer: true });
    this.kept = new Map(); // mesh -> buffers, the longest unused first
    if (!this.gl) return;
    this.canvas.addEventListener('webglcontextlost', (e) => e.preventDefault());
    this.canvas.addEventListener('webglcontextrestored', () => {
      this.kept.clear();
      this.start();
      if (this.onrestored) this.onrestored();
    });
    this.start();
  }

  get works() { return Boolean(this.gl) && !this.gl.isContextLost(); }

  start() {
    const gl = this.gl;
    this.faces = this.program(FACE_VERTEX, FACE_FRAGMENT, ['position', 'normal', 'sides'], ['model', 'view', 'lens', 'tri', 'quad', 'ngon']);
    this.lines = this.program(LINE_VERTEX, LINE_FRAGMENT, ['position'], ['model', 'view', 'lens', 'ink']);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(0, 0, 0, 0);
  }

  program(vertex, fragment, attributes, uniforms) {
    const gl = this.gl, p = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const s = gl.createShader(kind);
      gl.shaderSource(s, source);
      gl.compileShader(s);
      gl.attachShader(p, s);
    }
    gl.linkProgram(p);
    if (!gl.getProgramParameter(p, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(p));
    const out = { p };
    for (const a of attributes) out[a] = gl.getAttribLocation(p, a);
    for (const u of uniforms) out[u] = gl.getUniformLocation(p, u);
    return out;
  }

  buffer(data) {
    const gl = this.gl, b = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, b);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    return b;
  }

  // upload returns the device's buffers for a mesh, and drops those of the mesh
  // that was not drawn for longest.
  upload(mesh) {
    const gl = this.gl;
    let held = this.kept.get(mesh);
    this.kept.delete(mesh);
    if (!held) {
      const tris = surface(mesh), edges = outline(mesh), ball = sphere(mesh);
      held = {
        tris: this.buffer(tris), corners: tris.length / 7, edges: this.buffer(edges.ends), ends: edges.ends.length / 3,
        model: fitted(ball), edge: edges.mean / ball.radius,
      };
    }
    this.kept.set(mesh, held);
    if (this.kept.size > KEPT) {
      const [oldest, old] = this.kept.entries().next().value;
      gl.deleteBuffer(old.tris);
      gl.deleteBuffer(old.edges);
      this.kept.delete(oldest);
    }
    return held;
  }

  // draw paints mesh from camera onto a 2D canvas of its size.
  draw(mesh, camera, target, colors, edges) {
    const gl = this.gl, w = target.canvas.width, h = target.canvas.height;
    if (this.canvas.width < w) this.canvas.width = w;
    if (this.canvas.height < h) this.canvas.height = h;
    gl.viewport(0, 0, w, h);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const held = this.upload(mesh);
    const d = (1.04 / Math.sin(FOV / 2)) * camera.zoom * Math.max(1, h / w);
    const eye = turned(camera.yaw, camera.pitch, d, camera.x, camera.y);
    const lens = perspective(FOV, w / h, Math.max(0.02, d - 1.6), d + 1.6);
    this.paintFaces(held, eye, lens, colors);
    // Edges fade where they would lie closer than a few pixels.
    const px = (held.edge * h) / (2 * Math.tan(FOV / 2) * d);
    const alpha = Math.min(0.85, Math.max(0, px - 1) / 8);
    if (edges && alpha > 0.02) this.paintLines(held, eye, lens, colors, alpha);
    target.clearRect(0, 0, w, h);
    target.drawImage(this.canvas, 0, this.canvas.height - h, w, h, 0, 0, w, h);
  }

  begin(p, held, eye, lens) {
    const gl = this.gl;
    gl.useProgram(p.p);
    gl.uniformMatrix4fv(p.model, false, held.model);
    gl.uniformMatrix4fv(p.view, false, eye);
    gl.uniformMatrix4fv(p.lens, false, lens);
    for (let i = 0; i < 3; i++) gl.disableVertexAttribArray(i);
  }

  attribute(at, size, stride, offset) {
    this.gl.enableVertexAttribArray(at);
    this.gl.vertexAttribPointer(at, size, this.gl.FLOAT, false, stride, offset);
  }

  paintFaces(held, eye, lens, colors) {
    const gl = this.gl, p = this.faces;
    this.begin(p, held, eye, lens);
    for (const name of ['tri', 'quad', 'ngon']) gl.uniform3fv(p[name], colors[name]);
    gl.bindBuffer(gl.ARRAY_BUFFER, held.tris);
    this.attribute(p.position, 3, 28, 0);
    this.attribute(p.normal, 3, 28, 12);
    this.attribute(p.sides, 1, 28, 24);
    gl.drawArrays(gl.TRIANGLES, 0, held.corners);
  }

  paintLines(held, eye, lens, colors, alpha) {
    const gl = this.gl, p = this.lines;
    this.begin(p, held, eye, lens);
    gl.uniform4f(p.ink, ...colors.edge, alpha);
    gl.bindBuffer(gl.ARRAY_BUFFER, held.edges);
    this.attribute(p.position, 3, 12, 0);
    gl.drawArrays(gl.LINES, 0, held.ends);
  }
}
