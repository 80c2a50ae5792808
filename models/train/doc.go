// Package train runs trainings: AdamW with warm-up and a cosine rate, clipping,
// held-out loss, and a loss curve. Checkpoints resume bit for bit.
//
// It is not for what is trained: see [Task], models/transformer and
// models/tokenizer/cube.
package train
