// Package checkpoint opens the weights of a model, in whatever files they lie, as
// [nn.Weights]: named tensors that are read one at a time.
//
//   - a safetensors file
//   - a file of torch.save (.pt, .pth, .ckpt, .bin), known by its content
//   - a folder of Hugging Face's or of ours: config.json beside model.safetensors
//     or pytorch_model.bin, or beside an index that names shards of either kind
//   - any folder with a config.json and exactly one weights file
//
// A torch file seldom holds the weights alone. A dictionary of tensors in it is a
// part, named by the keys that lead to it ("model", "ema", "trainer/vae"), or by ""
// if it is the file's own. [Open] takes the part that training scripts use for a
// network's weights, and [OpenPart] another.
//
// It is not for what the tensors mean (see models/systems), nor for writing. Nothing
// in a file is ever executed (see codecs/torch).
//
//	c, err := checkpoint.Open("LlamaGen-XXL/c2i_XXL_384.pt")
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	shape, ok := c.Shape("tok_embeddings.weight") // [16384 1536] true
//	gain, err := c.Floats("layers.0.attention_norm.weight")
package checkpoint
