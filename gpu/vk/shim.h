// The one place where Morton calls Vulkan beyond version 1.0, and every call
// that would pass a Go slice. All arguments are flat C values and arrays, so
// nothing the Go collector may move or free is kept past a call.
#ifndef MORTON_VK_SHIM_H
#define MORTON_VK_SHIM_H
#include <stddef.h>
#include <stdint.h>

// What a physical device is and can do.
typedef struct {
  char name[256];
  char driver[256];
  char driver_info[256];
  uint8_t device_uuid[16];
  uint8_t driver_uuid[16];
  uint32_t api_version, driver_version, vendor_id, device_id, type;
  uint32_t subgroup_size, subgroup_min, subgroup_max, subgroup_ops, subgroup_stages, require_stages;
  uint32_t max_push, max_shared, max_invocations;
  uint32_t max_groups[3];
  uint64_t max_allocation, max_buffer;
  float timestamp_ns;
  int32_t compute_family;
  uint32_t timestamp_bits;
  // Feature bits.
  uint32_t buffer_device_address, int64, int16, float16, int8, storage16, storage8,
      subgroup_control, full_subgroups, scalar_layout, vulkan_memory_model,
      robust_access, memory_budget, coop_matrix;
} mv_info;

// One shape of cooperative matrices: C[m, n] += A[m, k]·B[k, n], with
// VkComponentTypeKHR for the types and VkScopeKHR for the scope.
typedef struct {
  uint32_t m, n, k, a, b, c, result, saturating, scope;
} mv_coop_shape;

// One recorded operation. kind: 0 dispatch, 1 fill, 2 copy.
// barrier: a full memory barrier is placed before it.
typedef struct {
  uint32_t kind, barrier;
  uint32_t groups[3];
  uint32_t push_offset, push_bytes;
  uint32_t value;
  uint64_t pipeline;
  uint64_t dst, dst_offset, src, src_offset, bytes;
} mv_op;

typedef struct mv_instance mv_instance;
typedef struct mv_device mv_device;

void *mv_load(void); // vkGetInstanceProcAddr, or NULL without a loader
int mv_instance_create(int validation, mv_instance **out);
void mv_instance_destroy(mv_instance *);
void *mv_instance_handle(mv_instance *);
uint32_t mv_messages_take(char *buf, size_t bytes); // copies, counts and forgets validation messages

void mv_physical_info(mv_instance *, void *physical, mv_info *out);
uint64_t mv_heap_available(mv_instance *, void *physical, uint32_t heap);
uint32_t mv_coop_shapes(mv_instance *, void *physical, mv_coop_shape *out, uint32_t max); // returns how many it wrote

int mv_device_create(mv_instance *, void *physical, const mv_info *, int robust, mv_device **out);
void mv_device_destroy(mv_device *);
void *mv_device_handle(mv_device *);
void *mv_address_flags(void); // a static VkMemoryAllocateFlagsInfo for pNext
uint64_t mv_buffer_address(mv_device *, uint64_t buffer);

// mv_cache_add gives the device's pipeline cache what mv_cache_get gave of it, or of
// another process's; mv_cache_get gives bytes for mv_bytes_free, or NULL.
int mv_cache_add(mv_device *, const void *bytes, size_t n);
void *mv_cache_get(mv_device *, size_t *n);
void mv_bytes_free(void *);
int mv_pipeline_create(mv_device *, const uint32_t *spirv, size_t bytes, const uint32_t *spec, uint32_t nspec,
                       uint32_t subgroup, uint64_t *out);
void mv_pipeline_destroy(mv_device *, uint64_t pipeline);

// queries, unless 0, is a pool of nops + 1: the device's clock before the first
// operation and after each.
int mv_record(mv_device *, const mv_op *ops, uint32_t nops, const uint8_t *push, uint64_t queries, uint64_t *out);
int mv_queries_create(mv_device *, uint32_t n, uint64_t *out);
void mv_queries_destroy(mv_device *, uint64_t queries);
int mv_queries_read(mv_device *, uint64_t queries, uint32_t n, uint64_t *out);
void mv_record_free(mv_device *, uint64_t cmd);

int mv_fence_create(mv_device *, uint64_t *out);
void mv_fence_destroy(mv_device *, uint64_t fence);
int mv_submit(mv_device *, const uint64_t *cmds, uint32_t n, uint64_t fence);
int mv_wait(mv_device *, uint64_t fence, uint64_t timeout_ns); // and resets it
#endif
