package furniture

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Library is one archive of models under one licence.
type Library struct {
	File       string // name of the archive
	Prefix     string // begins the names of its models
	License    string // SPDX identifier
	LicenseURL string
	Credit     string // whom the licence wants named beside the model's creator
}

// Libraries are those whose licences allow shipping what is trained on them,
// as the package's copyright file gives them. Reallusion's people are left out:
// triangles of 7,000 faces a model, nothing to learn quads from.
var Libraries = []Library{
	{"BlendSwap-CC-0.sh3f", "cc-0", "CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", "via Blend Swap, converted to OBJ by Emmanuel Puybaret / eTeks"},
	{"BlendSwap-CC-BY.sh3f", "cc-by", "CC-BY-3.0", "https://creativecommons.org/licenses/by/3.0/", "via Blend Swap, converted to OBJ by Emmanuel Puybaret / eTeks"},
	{"KatorLegaz.sh3f", "katorlegaz", "CC-BY-3.0-US", "https://creativecommons.org/licenses/by/3.0/us/", "(C) 2003-2008 Andrew Kator & Jennifer Legaz"},
	{"Scopia.sh3f", "scopia", "CC-BY-3.0", "https://creativecommons.org/licenses/by/3.0/", "(C) 2010-2012 Scopia Visual Interfaces Systems, s.l., and Emmanuel Puybaret / eTeks"},
}

// Model is one entry of a library's catalogue.
type Model struct {
	Name    string // unique among all libraries: prefix and file name, in lower case
	Title   string // the catalogue's English name
	Creator string
	Path    string // of the OBJ file in the archive
}

// fixtures are the models that tests and examples show: never trained on.
var fixtures = []string{
	"cc-0_box", "cc-0_bread", "cc-0_chicken", "cc-0_couch2", "cc-0_crate", "cc-0_deckchair", "cc-0_emergencysign",
	"cc-0_horse2", "cc-0_japaneselantern", "cc-0_rock2", "cc-0_stonelantern", "cc-by_chair_deck", "cc-by_siamesecat",
	"cc-by_spoon", "katorlegaz_dining_chair", "katorlegaz_filing_cabinet", "katorlegaz_highball_glass", "scopia_bowl",
	"scopia_fireplace1", "scopia_table_on_trestles", "scopia_vase3",
}

// heldOutPercent of the models, beside the fixtures, are held out.
const heldOutPercent = 10

// HeldOut says whether the model is kept from training: it is a fixture, or a
// hash of its name falls in the held-out tenth. The answer depends on the name
// alone, so all parts of a model fall on one side, on every machine.
func HeldOut(model string) bool {
	if slices.Contains(fixtures, model) {
		return true
	}
	sum := sha256.Sum256([]byte("morton/furniture/" + model))
	return binary.BigEndian.Uint64(sum[:8])%100 < heldOutPercent
}

// modelName is the name of a model: the library's prefix and the OBJ file's
// base, in lower case, with hyphens and spaces as underscores.
func modelName(prefix, path string) string {
	base := path[strings.LastIndexByte(path, '/')+1:]
	base = strings.TrimSuffix(strings.ToLower(base), ".obj")
	return prefix + "_" + strings.NewReplacer("-", "_", " ", "_").Replace(base)
}
