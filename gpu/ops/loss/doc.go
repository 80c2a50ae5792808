// Package loss holds the losses a head is trained with: softmax cross-entropy
// over a vocabulary, and independent binary cross-entropies over the bits of a
// code. Each computes the loss and the gradient in one pass over a row.
//
// It is not for drawing tokens (see the sampling operations).
//
//	loss.SoftmaxCE(rec, loss.SoftmaxCEArgs{
//		Logits: logits, Targets: ids, Weight: weight, Loss: nats, DLogits: logits, // in place
//	})
//
// Letters: n rows, v classes, words 32-bit words a row.
package loss
