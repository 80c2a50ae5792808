"""quadriflow.py FACES IN OUT: remeshes each OBJ of triangles in the folder IN with QuadriFlow, as pyQuadriFlow has it, into the folder OUT.

Each mesh has a process of its own and LIMIT seconds (120), since the library ends the process on some meshes and never ends on others. A mesh
that it refuses has no file in OUT, and a line in OUT/refused.txt says why; OUT/seconds.txt has the times. SHARP=1 asks it to keep sharp edges."""

import os
import subprocess
import sys
import time


def read(path):
    vertices, faces = [], []
    for line in open(path):
        words = line.split()
        if words and words[0] == "v":
            vertices.append([float(x) for x in words[1:4]])
        elif words and words[0] == "f":
            faces.append([int(w.split("/")[0]) - 1 for w in words[1:]])
    return vertices, faces


def one(faces, source, target):
    from pyQuadriFlow.pyQuadriFlow import pyquadriflow

    vertices, triangles = read(source)
    sharp = os.environ.get("SHARP") == "1"
    out = pyquadriflow(faces, 0, vertices, triangles, sharp, False, False, False, False)
    if not out["faces"]:
        sys.exit("no faces")
    with open(target, "w") as f:
        for v in out["vertices"]:
            f.write("v %r %r %r\n" % tuple(v))
        for q in out["faces"]:
            f.write("f %s\n" % " ".join(str(i + 1) for i in q))


def every(faces, folder, to):
    os.makedirs(to, exist_ok=True)
    with open(os.path.join(to, "refused.txt"), "w") as refused, open(os.path.join(to, "seconds.txt"), "w") as seconds:
        for name in sorted(os.listdir(folder)):
            target, begun, why = os.path.join(to, name), time.time(), None
            if os.path.exists(target):
                os.remove(target)
            try:
                run = subprocess.run([sys.executable, __file__, str(faces), os.path.join(folder, name), target, "one"],
                                     timeout=float(os.environ.get("LIMIT", 120)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                if run.returncode:
                    why = "exit %d: %s" % (run.returncode, run.stderr.strip()[-200:].replace("\n", " "))
            except subprocess.TimeoutExpired:
                why = "too long"
            if why:
                refused.write("%s\t%s\n" % (name, why))
            seconds.write("%s\t%.2f\n" % (name, time.time() - begun))


if __name__ == "__main__":
    if len(sys.argv) == 5:
        one(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    else:
        every(int(sys.argv[1]), sys.argv[2], sys.argv[3])
