package store

import "path"

// contentTypes let a browser show a run's folder in a store. The system's own table
// varies between machines.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".jsonl": "application/jsonl",
	".mp4": "video/mp4", ".png": "image/png", ".glb": "model/gltf-binary", ".obj": "model/obj", ".parquet": "application/vnd.apache.parquet",
}

func contentType(key string) string {
	if t := contentTypes[path.Ext(key)]; t != "" {
		return t
	}
	return "application/octet-stream"
}
