// Runs the Khronos glTF validator over files and prints one line of JSON for
// each: {file, errors, warnings, infos, hints, vertices, triangles, messages}.
// Exits 1 if any file has errors or can't be read.
//
//   npm ci                              # once, in this folder
//   node validate-gltf.mjs FILE...
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import validator from 'gltf-validator';

async function validate(file) {
  const { issues, info } = await validator.validateBytes(new Uint8Array(await readFile(file)), {
    uri: file,
    maxIssues: 0,
    externalResourceFunction: async (uri) =>
      new Uint8Array(await readFile(resolve(dirname(file), decodeURIComponent(uri)))),
  });
  return {
    file,
    errors: issues.numErrors,
    warnings: issues.numWarnings,
    infos: issues.numInfos,
    hints: issues.numHints,
    vertices: info?.totalVertexCount ?? 0,
    triangles: info?.totalTriangleCount ?? 0,
    messages: issues.messages.slice(0, 20).map((m) => `${m.code} ${m.pointer ?? ''}: ${m.message}`),
  };
}

for (const file of process.argv.slice(2)) {
  try {
    const report = await validate(file);
    if (report.errors > 0) process.exitCode = 1;
    console.log(JSON.stringify(report));
  } catch (err) {
    process.exitCode = 1;
    console.log(JSON.stringify({ file, errors: 1, messages: [String(err)] }));
  }
}
