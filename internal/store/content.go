package store

import "path"

// contentTypes are what a browser needs to show a run's folder from a store. The system's
// own table differs from machine to machine.
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
