// Package train runs trainings: AdamW with warm-up and a cosine rate, clipping,
// held-out loss, checkpoints that resume bit for bit, and a loss curve.
//
// It is not for what is trained: see [Task], models/transformer and
// models/cube/tokenizer.
package train
