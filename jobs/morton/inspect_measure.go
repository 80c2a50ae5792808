package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
)

func inspectShard(path string, size int64) (facts, error) {
	found, err := inspectShards(path, []string{path})
	if err != nil {
		return nil, err
	}
	found.add("bytes", size)
	return found, nil
}

func inspectShards(path string, shards []string) (facts, error) {
	samples, tokens, kinds := 0, 0, map[string]int{}
	var first shard.Sample
	for _, s := range shards {
		all, err := shard.ReadAll(s, shard.Limits{})
		if err != nil {
			return nil, err
		}
		for _, x := range all {
			if samples == 0 {
				first = x
			}
			samples++
			tokens += len(x.Tokens)
			kinds[x.Kind]++
		}
	}
	var f facts
	f.add("kind", "token shard")
	f.add("shards", len(shards))
	f.add("samples", samples)
	f.add("tokens", tokens)
	f.add("families", counts(kinds))
	if samples > 0 {
		f.add("first_id", first.ID)
		f.add("first_grid", first.Grid)
		f.add("first_source", first.Source)
		f.add("first_meta", metaText(first.Meta))
	}
	return f, nil
}

// metaText formats a sample's metadata in order.
func metaText(m map[string]string) string {
	data, err := json.Marshal(m)
	if err != nil || len(m) == 0 {
		return ""
	}
	return string(data)
}

func inspectSafetensors(path string, size int64) (facts, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	elements, types := 0, map[string]int{}
	names := file.Names()
	for _, name := range names {
		t, err := file.Tensor(name)
		if err != nil {
			return nil, err
		}
		elements += t.Elements()
		types[string(t.DType)] += t.Elements()
	}
	var f facts
	f.add("kind", "safetensors")
	f.add("tensors", len(names))
	f.add("parameters", elements)
	f.add("types", counts(types))
	for _, k := range slices.Sorted(maps.Keys(file.Metadata())) {
		f.add("metadata."+k, file.Metadata()[k])
	}
	if len(names) > 0 {
		t, err := file.Tensor(names[0])
		if err != nil {
			return nil, err
		}
		f.add("first_tensor", fmt.Sprintf("%s %s %v", names[0], t.DType, t.Shape))
	}
	if size > 0 {
		f.add("bytes", size)
	}
	return f, nil
}
