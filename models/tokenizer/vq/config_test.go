package vq

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

func TestPresets(t *testing.T) {
	for name, n := range map[string]int{"VQ-8": 8, "VQ-16": 16} {
		c, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.Reduction() != n {
			t.Errorf("%s reduces by %d", name, c.Reduction())
		}
		c.ChMult[0] = 9
		if again, _ := Preset(name); again.ChMult[0] == 9 {
			t.Errorf("%s can be changed", name)
		}
	}
	if _, err := Preset("VQ-32"); !errors.Is(err, ErrConfig) {
		t.Errorf("VQ-32: %v", err)
	}
}

// TestValidate moves each field out of its bounds.
func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"codebook_size":      func(c *Config) { c.CodebookSize = 1 << 21 },
		"codebook_embed_dim": func(c *Config) { c.CodebookEmbedDim = 7 },
		"z_channels":         func(c *Config) { c.ZChannels = -2 },
		"ch is":              func(c *Config) { c.Ch = 48 },
		"ch is 1":            func(c *Config) { c.Ch = 1 << 40 },
		"levels":             func(c *Config) { c.ChMult = nil },
		"is 9":               func(c *Config) { c.ChMult = make([]int, 9) },
		"ch_mult [1 0]":      func(c *Config) { c.ChMult = []int{1, 0} },
		"ch_mult [16]":       func(c *Config) { c.Ch, c.ChMult = 512, []int{16} },
		"num_res_blocks":     func(c *Config) { c.NumResBlocks = 0 },
	} {
		c := tiny(t)
		change(&c)
		if err := c.Validate(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseConfig(t *testing.T) {
	c := tiny(t)
	if c.CodebookSize != 64 || c.CodebookEmbedDim != 8 || c.ZChannels != 16 || c.Ch != 32 || len(c.ChMult) != 3 || c.NumResBlocks != 2 || !c.CodebookL2Norm {
		t.Errorf("read %+v", c)
	}
	const fields = `"codebook_size":64,"codebook_embed_dim":8,"z_channels":16,"ch":32,"ch_mult":[1,2],"num_res_blocks":1`
	for text, want := range map[string]bool{"": true, `,"codebook_l2_norm":true`: true, `,"codebook_l2_norm":false`: false} {
		if c, err := ParseConfig([]byte("{" + fields + text + "}")); err != nil || c.CodebookL2Norm != want {
			t.Errorf("%q: normalised %v, %v", text, c.CodebookL2Norm, err)
		}
	}
	for _, text := range []string{"", "{}", "[]", "null", `{"ch_mult":1}`, "{" + fields + `}x`, "{" + fields + strings.Repeat(" ", cnn.MaxConfigBytes) + "}"} {
		if _, err := ParseConfig([]byte(text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// FuzzParseConfig holds that what is read is valid, small enough to be listed, and reads
// again from what it is written as.
func FuzzParseConfig(f *testing.F) {
	for name := range presets {
		c, err := Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		data, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"ch":1e9,"ch_mult":[1,-1,null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, p := range c.model().Params() {
			for _, n := range p.Shape {
				if n < 1 || n > 4096 && p.Name != codesName {
					t.Fatalf("%s is %v", p.Name, p.Shape)
				}
			}
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseConfig(again); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
