// What every kernel shares. A workgroup is one subgroup of W lanes; W is
// specialization constant 0. Tensors come as buffer device addresses.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint W = 8;

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer F32 { float v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer I32 { int v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer U32 { uint v[]; };
// Two floats by one 64-bit load: lavapipe gathers 64 bits a lane at the price of 32.
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer F32x2 { uint64_t v[]; };

#define LANE gl_SubgroupInvocationID

vec2 floats(uint64_t x) { return uintBitsToFloat(unpack32(x)); }

// group numbers the workgroups of a gpu.Linear grid.
uint group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
