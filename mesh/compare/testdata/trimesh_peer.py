"""Distances of two OBJ files by trimesh, for TestAgainstTrimesh.

    python trimesh_peer.py MESH REFERENCE [SCALE SHIFT]

The mesh's vertices are multiplied by SCALE, then moved along x by SHIFT.
It draws 200,000 points on each surface with trimesh.sample, finds the
nearest points of the other surface's triangles with
trimesh.proximity.closest_point, and divides lengths by the longest side of the
reference's box. The maximum is over the samples and the vertices.
Ran with trimesh 5.2.0, scipy 1.17.1, numpy 2.4.6 and rtree 1.4.1.
"""

import sys

import numpy as np
import trimesh


def load(path):
    """Reads positions and faces alone; faces become fans from their first corner."""
    vertices, faces = [], []
    for line in open(path):
        words = line.split()
        if words[:1] == ["v"]:
            vertices.append([float(x) for x in words[1:4]])
        if words[:1] == ["f"]:
            f = [int(w.split("/")[0]) for w in words[1:]]
            f = [i - 1 if i > 0 else len(vertices) + i for i in f]
            faces += [[f[0], f[k], f[k + 1]] for k in range(1, len(f) - 1)]
    m = trimesh.Trimesh(vertices, faces, process=False)
    m.remove_unreferenced_vertices()
    return m


def distances(points, normals, other):
    out, agree = [], []
    for i in range(0, len(points), 20000):
        _, d, t = trimesh.proximity.closest_point(other, points[i : i + 20000])
        out.append(d)
        if normals is not None:
            agree.append(np.abs((normals[i : i + 20000] * other.face_normals[t]).sum(1)))
    return np.concatenate(out), np.concatenate(agree) if agree else None


def direction(a, b, side, n):
    points, faces = trimesh.sample.sample_surface(a, n, seed=1)
    d, agree = distances(points, a.face_normals[faces], b)
    v, _ = distances(a.vertices, None, b)
    return d / side, max(d.max(), v.max()) / side, agree.mean()


def main():
    m, r = load(sys.argv[1]), load(sys.argv[2])
    if len(sys.argv) > 3:
        m.vertices = m.vertices * float(sys.argv[3]) + [float(sys.argv[4]), 0, 0]
    n = 200_000
    side = (r.bounds[1] - r.bounds[0]).max()
    a, amax, an = direction(m, r, side, n)
    c, cmax, cn = direction(r, m, side, n)
    print(f"side {side:.9g}")
    print(f"accuracy mean {a.mean():.6g} mean_square {(a**2).mean():.6g} max {amax:.9g}")
    print(f"completeness mean {c.mean():.6g} mean_square {(c**2).mean():.6g} max {cmax:.9g}")
    print(f"chamfer_l1 {(a.mean() + c.mean()) / 2:.6g} chamfer_l2 {(a**2).mean() + (c**2).mean():.6g}")
    for t in (0.005, 0.01, 0.02, 0.1):
        p, q = (a < t).mean(), (c < t).mean()
        print(f"f {t}: {2 * p * q / max(p + q, 1e-300):.5f} precision {p:.5f} recall {q:.5f}")
    print(f"normals {(an + cn) / 2:.5f}")


main()
