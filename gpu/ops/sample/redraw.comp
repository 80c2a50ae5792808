#version 460
//morton:variant redraw_score -DSCORE
//morton:variant redraw
#include "morton.glsl"
#include "order.glsl"
// Which codes of a step are drawn again, in two kernels. logits are [m, 2·l], those of zero
// and of one side by side; draw is [m, 8] as in softmax.comp, its lo a status; tokens are the
// canvases, [slots, positions, words], canvas i32 [m] their numbers.
//   redraw_score: a workgroup a draw, scores [m, 2] = how wrong the code that is there is,
//     in an order of unsigned integers, and 1 if it counts among the wrong ones.
//   redraw: a workgroup a canvas. Of its draws it takes those with the highest scores, the
//     first of equal ones, as many as one in `share` of the wrong ones. chosen [m] is 1 of a
//     draw that is drawn; the others get back in `drawn` [m, words] what is there.
layout(push_constant, scalar) uniform Push {
  uint64_t logits, draw, canvas, tokens, scores;
#ifndef SCORE
  uint64_t drawn, chosen; // out
#endif
  uint m, l, words, positions, share, slots;
} p;

const uint FRESH = 0, FILLED = 1, HIDDEN = 2;

U32 drawOf(uint r) { return U32(p.draw + 32ul * r); }
U32 tokenOf(uint r) { return U32(p.tokens + 4ul * (uint64_t(I32(p.canvas).v[r]) * p.positions + drawOf(r).v[3]) * p.words); }

#ifdef SCORE
void main() {
  uint r = group();
  if (r >= p.m) return;
  U32 d = drawOf(r), token = tokenOf(r), scores = U32(p.scores + 8ul * r);
  F32 x = F32(p.logits + 8ul * uint64_t(r) * p.l);
  bool filled = d.v[4] == FILLED;
  uint wrong = 0;
  for (uint i = LANE; i < p.l; i += W) {
    uint likely = x.v[2 * i + 1] > x.v[2 * i] ? 1 : 0, is = token.v[i / 32] >> i % 32 & 1;
    wrong += filled && is == likely ? 0 : 1;
  }
  wrong = subgroupAdd(wrong);
  if (LANE == 0) {
    uint is = filled ? token.v[0] & 1 : 1; // what is not there counts as a one
    bool live = d.v[7] != 0;
    scores.v[0] = !live ? 0 : p.l == 1 ? order(-x.v[is]) : wrong;
    scores.v[1] = live && wrong > 0 && d.v[4] != HIDDEN ? 1 : 0;
  }
}
#else
uint score(uint r) { return U32(p.scores + 8ul * r).v[0]; }

void main() {
  uint slot = group();
  if (slot >= p.slots) return;
  uint first = p.m, end = 0, wrong = 0;
  for (uint r = LANE; r < p.m; r += W) {
    if (I32(p.canvas).v[r] != int(slot) || drawOf(r).v[7] == 0) continue;
    first = min(first, r);
    end = max(end, r + 1);
    wrong += U32(p.scores + 8ul * r).v[1];
  }
  first = subgroupMin(first);
  end = subgroupMax(end);
  uint take = subgroupAdd(wrong) / p.share;

  // The highest score that so many reach, and how many may equal it. A request's draws lie
  // side by side.
  uint edge = 0;
  for (uint bit = 0x80000000u; bit != 0; bit >>= 1) {
    uint cut = edge | bit, count = 0;
    for (uint r = first + LANE; r < end; r += W) count += score(r) >= cut ? 1 : 0;
    if (subgroupAdd(count) >= take) edge = cut;
  }
  uint above = 0;
  for (uint r = first + LANE; r < end; r += W) above += score(r) > edge ? 1 : 0;
  uint equal = take - min(take, subgroupAdd(above));

  for (uint r0 = first; r0 < end; r0 += W) {
    uint r = r0 + LANE;
    bool is = r < end, tie = is && score(min(r, end - 1)) == edge;
    uvec4 ties = subgroupBallot(tie);
    uint before = subgroupBallotExclusiveBitCount(ties);
    if (is) {
      uint status = drawOf(r).v[4];
      bool high = take > 0 && (score(r) > edge || tie && before < equal);
      bool drawn = status == FRESH || status == FILLED && high;
      F32(p.chosen).v[r] = drawn ? 1 : 0;
      if (!drawn)
        for (uint w = 0; w < p.words; w++) U32(p.drawn).v[r * p.words + w] = tokenOf(r).v[w];
    }
    equal -= min(equal, subgroupBallotBitCount(ties));
  }
}
#endif
