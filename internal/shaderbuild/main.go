// Command shaderbuild compiles the compute shaders under gpu/ops and updates each
// folder's shaders.sum, which proves that the committed SPIR-V is up to date.
//
//	go run ./internal/shaderbuild          compile what is stale
//	go run ./internal/shaderbuild -check   recompile everything and compare
//
// A shader lists its outputs, one line each:
//
//	//morton:variant NAME [glslc flags, such as -DNT]
//
// and, if it needs a newer compiler than Debian 12's, the version, which
// scripts/setup --shaders installs:
//
//	//morton:glslc VERSION
//
// Sums and products of floats are never fused: see forbidContraction.
//
// A shaders.sum line is: output, hash of flags, source and includes, hash of output.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "recompile everything and compare instead of writing")
	root := flag.String("root", "gpu/ops", "folder to walk")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "shaderbuild:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	dirs, err := ShaderDirs(root)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := buildDir(root, dir, check); err != nil {
			return err
		}
	}
	return nil
}

func buildDir(root, dir string, check bool) error {
	variants, err := Variants(root, dir)
	if err != nil {
		return err
	}
	old, err := ReadSum(dir)
	if err != nil {
		return err
	}
	sum := map[string]Entry{}
	for _, v := range variants {
		out := filepath.Join(dir, v.Name+".spv")
		have, _ := os.ReadFile(out)
		e := Entry{Source: v.Hash, Output: hash(have)}
		if check || old[v.Name] != e {
			spv, err := compile(root, v)
			if err != nil {
				return err
			}
			e.Output = hash(spv)
			if check && !bytes.Equal(spv, have) {
				return fmt.Errorf("%s differs from a fresh compile of %s", out, v.File)
			}
			if !check {
				fmt.Println("compiled", out, len(spv), "bytes")
				if err := os.WriteFile(out, spv, 0o644); err != nil {
					return err
				}
			}
		}
		sum[v.Name] = e
	}
	if check {
		return Verify(root, dir)
	}
	if err := dropUnlisted(dir, sum); err != nil {
		return err
	}
	return WriteSum(dir, sum)
}

func compile(root string, v Variant) ([]byte, error) {
	args := append([]string{"--target-env=vulkan1.3", "-fshader-stage=compute", "-O", "-I", filepath.Join(root, "lib")}, v.Flags...)
	cmd := exec.Command(glslc(v), append(args, "-o", "-", v.File)...)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s (%s): %w (run scripts/setup --shaders)\n%s", cmd.Path, v.File, v.Name, err, msg.String())
	}
	spv, err := forbidContraction(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %w", v.File, v.Name, err)
	}
	return spv, nil
}

func glslc(v Variant) string {
	if v.Glslc == "" {
		return "glslc"
	}
	return filepath.Join(".cache", "glslc-"+v.Glslc, "glslc")
}

func dropUnlisted(dir string, sum map[string]Entry) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.spv"))
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Base(f)
		if _, ok := sum[name[:len(name)-len(".spv")]]; !ok {
			fmt.Println("removed", f)
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}
