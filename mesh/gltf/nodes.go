package gltf

import (
	"fmt"

	qgltf "github.com/qmuntal/gltf"
)

// tree is the node hierarchy with the global transform of every node.
type tree struct {
	roots  []int
	global []matrix // [nodes]
}

const noParent = -1

// newTree resolves the hierarchy. It returns an error wrapping [ErrCorrupt] if
// a node has two parents or is its own ancestor.
func newTree(nodes []*qgltf.Node) (*tree, error) {
	parents, err := parents(nodes)
	if err != nil {
		return nil, err
	}
	t := &tree{global: make([]matrix, len(nodes))}
	var queue []int
	for i, p := range parents {
		if p == noParent {
			t.roots = append(t.roots, i)
			t.global[i] = local(nodes[i])
			queue = append(queue, i)
		}
	}
	for done := 0; done < len(queue); done++ {
		at := queue[done]
		for _, c := range nodes[at].Children {
			t.global[c] = t.global[at].times(local(nodes[c]))
			queue = append(queue, c)
		}
	}
	if len(queue) < len(nodes) { // The remaining nodes form a cycle.
		return nil, fmt.Errorf("%w: %d nodes are their own ancestors or below such", ErrCorrupt, len(nodes)-len(queue))
	}
	return t, nil
}

// downward returns all nodes, parents before children, by generations.
func (t *tree) downward(nodes []*qgltf.Node) []int {
	queue := append([]int(nil), t.roots...)
	for done := 0; done < len(queue); done++ {
		queue = append(queue, nodes[queue[done]].Children...)
	}
	return queue
}

func parents(nodes []*qgltf.Node) ([]int, error) {
	out := make([]int, len(nodes))
	for i := range out {
		out[i] = noParent
	}
	for i, n := range nodes {
		for _, c := range n.Children {
			if c < 0 || c >= len(nodes) {
				return nil, fmt.Errorf("%w: node %d has child %d of %d", ErrCorrupt, i, c, len(nodes))
			}
			if out[c] != noParent {
				return nil, fmt.Errorf("%w: node %d has parents %d and %d", ErrCorrupt, c, out[c], i)
			}
			out[c] = i
		}
	}
	return out, nil
}

// scene returns the scene to read: the chosen one, the file's default, or the
// first. It is -1 in a file without scenes.
func (r *reader) scene(chosen *int) (int, error) {
	n := len(r.doc.Scenes)
	switch s := r.doc.Scene; {
	case chosen != nil && (*chosen < 0 || *chosen >= n):
		return 0, fmt.Errorf("%w: %d; the file has %d, counted from 0", ErrScene, *chosen, n)
	case chosen != nil:
		return *chosen, nil
	case s != nil && (*s < 0 || *s >= n):
		return 0, fmt.Errorf("%w: scene %d of %d", ErrCorrupt, *s, n)
	case s != nil:
		return *s, nil
	case n == 0:
		return noScene, nil
	}
	return 0, nil
}

const noScene = -1

// shown returns the visible nodes of the scene, or of the whole file if it has
// no scenes, parents before children.
func (r *reader) shown() ([]int, error) {
	queue := r.tree.roots
	if r.info.Scene != noScene {
		queue = r.doc.Scenes[r.info.Scene].Nodes
	}
	seen := make([]bool, len(r.doc.Nodes))
	queue = append([]int(nil), queue...)
	var visible []int
	for done := 0; done < len(queue); done++ {
		at := queue[done]
		if at < 0 || at >= len(seen) || seen[at] {
			return nil, fmt.Errorf("%w: scene has node %d twice or out of %d", ErrCorrupt, at, len(seen))
		}
		seen[at] = true
		if hidden(r.doc.Nodes[at]) {
			r.info.Hidden++
			continue
		}
		visible = append(visible, at)
		queue = append(queue, r.doc.Nodes[at].Children...)
	}
	return visible, nil
}
