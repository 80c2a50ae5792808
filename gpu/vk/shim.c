#define VK_NO_PROTOTYPES
#include "shim.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#ifndef VK_KHR_cooperative_matrix // Debian 12's headers, of version 1.3.239, are older
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR ((VkStructureType)1000506000)
#define VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR ((VkStructureType)1000506001)
typedef struct {
  VkStructureType sType;
  void *pNext;
  VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
} VkPhysicalDeviceCooperativeMatrixFeaturesKHR;
typedef struct {
  VkStructureType sType;
  void *pNext;
  uint32_t MSize, NSize, KSize;
  uint32_t AType, BType, CType, ResultType;
  VkBool32 saturatingAccumulation;
  uint32_t scope;
} VkCooperativeMatrixPropertiesKHR;
typedef VkResult(VKAPI_PTR *PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)(VkPhysicalDevice, uint32_t *, VkCooperativeMatrixPropertiesKHR *);
#endif

static PFN_vkGetInstanceProcAddr get_proc;

void *mv_load(void) {
  if (get_proc) return (void *)get_proc;
  void *lib = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!lib) return NULL;
  get_proc = (PFN_vkGetInstanceProcAddr)dlsym(lib, "vkGetInstanceProcAddr");
  return (void *)get_proc;
}

struct mv_instance {
  VkInstance handle;
  VkDebugUtilsMessengerEXT messenger;
  PFN_vkDestroyInstance DestroyInstance;
  PFN_vkGetPhysicalDeviceProperties2 Properties2;
  PFN_vkGetPhysicalDeviceFeatures2 Features2;
  PFN_vkGetPhysicalDeviceMemoryProperties2 Memory2;
  PFN_vkGetPhysicalDeviceQueueFamilyProperties Families;
  PFN_vkEnumerateDeviceExtensionProperties Extensions;
  PFN_vkCreateDevice CreateDevice;
  PFN_vkGetDeviceProcAddr GetDeviceProcAddr;
  PFN_vkDestroyDebugUtilsMessengerEXT DestroyMessenger;
  PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR CoopShapes; // NULL: no device has them
};

// Validation messages, kept until read. The layer calls from any thread.
static pthread_mutex_t message_lock = PTHREAD_MUTEX_INITIALIZER;
static char message_text[65536];
static size_t message_bytes;
static uint32_t message_count;

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT type,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
  (void)severity, (void)type, (void)user;
  pthread_mutex_lock(&message_lock);
  message_count++;
  size_t n = strlen(data->pMessage);
  if (message_bytes + n + 2 < sizeof message_text) {
    memcpy(message_text + message_bytes, data->pMessage, n);
    message_bytes += n;
    message_text[message_bytes++] = '\n';
    message_text[message_bytes] = 0;
  }
  pthread_mutex_unlock(&message_lock);
  return VK_FALSE;
}

uint32_t mv_messages_take(char *buf, size_t bytes) {
  pthread_mutex_lock(&message_lock);
  size_t n = message_bytes < bytes - 1 ? message_bytes : bytes - 1;
  memcpy(buf, message_text, n);
  buf[n] = 0;
  uint32_t count = message_count;
  message_bytes = 0, message_count = 0, message_text[0] = 0;
  pthread_mutex_unlock(&message_lock);
  return count;
}

// layer_version is 0 if there is no such layer, else the Vulkan version it was written for.
static uint32_t layer_version(const char *name) {
  PFN_vkEnumerateInstanceLayerProperties f = (PFN_vkEnumerateInstanceLayerProperties)get_proc(NULL, "vkEnumerateInstanceLayerProperties");
  uint32_t n = 0;
  if (!f || f(&n, NULL) != VK_SUCCESS || n == 0) return 0;
  VkLayerProperties *p = calloc(n, sizeof *p);
  f(&n, p);
  uint32_t version = 0;
  for (uint32_t i = 0; i < n; i++)
    if (!strcmp(p[i].layerName, name)) version = p[i].specVersion;
  free(p);
  return version;
}

int mv_instance_create(int validation, mv_instance **out) {
  *out = NULL;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance)get_proc(NULL, "vkCreateInstance");
  const char *layer = "VK_LAYER_KHRONOS_validation", *ext = "VK_EXT_debug_utils";
  uint32_t version = layer_version(layer);
  if (validation && !version) return VK_ERROR_LAYER_NOT_PRESENT;
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, NULL, "morton", 1, "morton", 1, VK_API_VERSION_1_3};
  VkDebugUtilsMessengerCreateInfoEXT dbg = {VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  dbg.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  dbg.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  dbg.pfnUserCallback = on_message;
  VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &app;
  if (validation) {
    info.pNext = &dbg;
    info.enabledLayerCount = 1, info.ppEnabledLayerNames = &layer;
    info.enabledExtensionCount = 1, info.ppEnabledExtensionNames = &ext;
  }
  VkInstance h;
  VkResult r = create(&info, NULL, &h);
  if (r != VK_SUCCESS) return r;
  mv_instance *in = calloc(1, sizeof *in);
  in->handle = h;
#define I(field, name) in->field = (PFN_##name)get_proc(h, #name)
  I(DestroyInstance, vkDestroyInstance);
  I(Properties2, vkGetPhysicalDeviceProperties2);
  I(Features2, vkGetPhysicalDeviceFeatures2);
  I(Memory2, vkGetPhysicalDeviceMemoryProperties2);
  I(Families, vkGetPhysicalDeviceQueueFamilyProperties);
  I(Extensions, vkEnumerateDeviceExtensionProperties);
  I(CreateDevice, vkCreateDevice);
  I(GetDeviceProcAddr, vkGetDeviceProcAddr);
  // A validation layer older than cooperative matrices takes their use for a mistake: then no device has them.
  int validated = validation || getenv("VK_INSTANCE_LAYERS");
  if (!validated || version >= VK_MAKE_API_VERSION(0, 1, 3, 255)) I(CoopShapes, vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR);
  if (validation) {
    I(DestroyMessenger, vkDestroyDebugUtilsMessengerEXT);
    PFN_vkCreateDebugUtilsMessengerEXT cm = (PFN_vkCreateDebugUtilsMessengerEXT)get_proc(h, "vkCreateDebugUtilsMessengerEXT");
    if (cm) cm(h, &dbg, NULL, &in->messenger);
  }
#undef I
  *out = in;
  return VK_SUCCESS;
}

void mv_instance_destroy(mv_instance *in) {
  if (!in) return;
  if (in->messenger) in->DestroyMessenger(in->handle, in->messenger, NULL);
  in->DestroyInstance(in->handle, NULL);
  free(in);
}

void *mv_instance_handle(mv_instance *in) { return in->handle; }

static int has_device_extension(mv_instance *in, VkPhysicalDevice p, const char *name) {
  uint32_t n = 0;
  if (in->Extensions(p, NULL, &n, NULL) != VK_SUCCESS || n == 0) return 0;
  VkExtensionProperties *e = calloc(n, sizeof *e);
  in->Extensions(p, NULL, &n, e);
  int found = 0;
  for (uint32_t i = 0; i < n; i++) found |= !strcmp(e[i].extensionName, name);
  free(e);
  return found;
}

static void query_properties(mv_instance *in, VkPhysicalDevice p, mv_info *o) {
  VkPhysicalDeviceDriverProperties drv = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceIDProperties id = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES, &drv};
  VkPhysicalDeviceSubgroupProperties sg = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES, &id};
  VkPhysicalDeviceSubgroupSizeControlProperties sc = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES, &sg};
  VkPhysicalDeviceMaintenance3Properties m3 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, &sc};
  VkPhysicalDeviceMaintenance4Properties m4 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES, &m3};
  VkPhysicalDeviceProperties2 pr = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  in->Properties2(p, &pr);
  o->api_version = pr.properties.apiVersion;
  pr.pNext = o->api_version >= VK_API_VERSION_1_3 ? (void *)&m4 : (void *)&sg;
  in->Properties2(p, &pr);
  snprintf(o->name, sizeof o->name, "%s", pr.properties.deviceName);
  snprintf(o->driver, sizeof o->driver, "%s", drv.driverName);
  snprintf(o->driver_info, sizeof o->driver_info, "%s", drv.driverInfo);
  memcpy(o->device_uuid, id.deviceUUID, 16);
  memcpy(o->driver_uuid, id.driverUUID, 16);
  o->driver_version = pr.properties.driverVersion;
  o->vendor_id = pr.properties.vendorID, o->device_id = pr.properties.deviceID, o->type = pr.properties.deviceType;
  o->subgroup_size = sg.subgroupSize, o->subgroup_ops = sg.supportedOperations;
  o->subgroup_stages = sg.supportedStages, o->require_stages = sc.requiredSubgroupSizeStages;
  o->subgroup_min = sc.minSubgroupSize, o->subgroup_max = sc.maxSubgroupSize;
  const VkPhysicalDeviceLimits *l = &pr.properties.limits;
  o->max_push = l->maxPushConstantsSize, o->max_shared = l->maxComputeSharedMemorySize;
  o->max_invocations = l->maxComputeWorkGroupInvocations;
  memcpy(o->max_groups, l->maxComputeWorkGroupCount, sizeof o->max_groups);
  o->max_allocation = m3.maxMemoryAllocationSize, o->max_buffer = m4.maxBufferSize;
  o->timestamp_ns = l->timestampPeriod;
}

static void query_features(mv_instance *in, VkPhysicalDevice p, mv_info *o) {
  VkPhysicalDeviceVulkan11Features f11 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features f12 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &f11};
  VkPhysicalDeviceVulkan13Features f13 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, &f12};
  VkPhysicalDeviceFeatures2 f = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR coop = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
  if (o->api_version >= VK_API_VERSION_1_3) f.pNext = &f13;
  if (in->CoopShapes && has_device_extension(in, p, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) coop.pNext = f.pNext, f.pNext = &coop;
  in->Features2(p, &f);
  o->coop_matrix = coop.cooperativeMatrix;
  o->int64 = f.features.shaderInt64, o->int16 = f.features.shaderInt16, o->robust_access = f.features.robustBufferAccess;
  o->buffer_device_address = f12.bufferDeviceAddress, o->float16 = f12.shaderFloat16, o->int8 = f12.shaderInt8;
  o->storage16 = f11.storageBuffer16BitAccess, o->storage8 = f12.storageBuffer8BitAccess;
  o->subgroup_control = f13.subgroupSizeControl, o->full_subgroups = f13.computeFullSubgroups;
  o->scalar_layout = f12.scalarBlockLayout, o->vulkan_memory_model = f12.vulkanMemoryModel;
  o->memory_budget = has_device_extension(in, p, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
}

void mv_physical_info(mv_instance *in, void *physical, mv_info *o) {
  VkPhysicalDevice p = physical;
  memset(o, 0, sizeof *o);
  query_properties(in, p, o);
  query_features(in, p, o);
  // Prefer a family that computes without drawing: it is the asynchronous one.
  uint32_t n = 32;
  VkQueueFamilyProperties q[32];
  in->Families(p, &n, q);
  o->compute_family = -1;
  for (uint32_t i = 0; i < n; i++) {
    if (!(q[i].queueFlags & VK_QUEUE_COMPUTE_BIT)) continue;
    if (o->compute_family < 0 || !(q[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)) {
      o->compute_family = (int32_t)i, o->timestamp_bits = q[i].timestampValidBits;
      if (!(q[i].queueFlags & VK_QUEUE_GRAPHICS_BIT)) break;
    }
  }
}

uint32_t mv_coop_shapes(mv_instance *in, void *physical, mv_coop_shape *out, uint32_t max) {
  uint32_t n = 0;
  if (!in->CoopShapes || in->CoopShapes(physical, &n, NULL) != VK_SUCCESS || n == 0) return 0;
  VkCooperativeMatrixPropertiesKHR *p = calloc(n, sizeof *p);
  for (uint32_t i = 0; i < n; i++) p[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
  if (in->CoopShapes(physical, &n, p) < 0) n = 0;
  if (n > max) n = max;
  for (uint32_t i = 0; i < n; i++)
    out[i] = (mv_coop_shape){p[i].MSize, p[i].NSize, p[i].KSize, p[i].AType, p[i].BType, p[i].CType, p[i].ResultType, p[i].saturatingAccumulation, p[i].scope};
  free(p);
  return n;
}

uint64_t mv_heap_available(mv_instance *in, void *physical, uint32_t heap) {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT b = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 m = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  if (has_device_extension(in, physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) m.pNext = &b;
  in->Memory2(physical, &m);
  if (heap >= m.memoryProperties.memoryHeapCount) return 0;
  uint64_t size = m.memoryProperties.memoryHeaps[heap].size;
  if (!m.pNext || b.heapBudget[heap] == 0) return size;
  return b.heapBudget[heap] > b.heapUsage[heap] ? b.heapBudget[heap] - b.heapUsage[heap] : 0;
}

struct mv_device {
  VkDevice handle;
  VkQueue queue;
  VkCommandPool pool;
  VkPipelineLayout layout;
  VkPipelineCache cache; // VK_NULL_HANDLE until mv_cache_add
  pthread_mutex_t lock; // the pool is externally synchronised
#define D(name) PFN_vk##name name;
#define DEVICE_CALLS                                                                                                         \
  D(DestroyDevice) D(GetDeviceQueue) D(CreateCommandPool) D(DestroyCommandPool) D(CreatePipelineLayout)                      \
  D(DestroyPipelineLayout) D(CreatePipelineCache) D(DestroyPipelineCache) D(GetPipelineCacheData) D(MergePipelineCaches)           \
  D(CreateFence) D(DestroyFence) D(WaitForFences)                                                                            \
  D(ResetFences) D(CreateShaderModule) D(DestroyShaderModule) D(CreateComputePipelines) D(DestroyPipeline)                   \
  D(AllocateCommandBuffers) D(FreeCommandBuffers) D(BeginCommandBuffer) D(EndCommandBuffer) D(CmdBindPipeline)               \
  D(CmdPushConstants) D(CmdDispatch) D(CmdPipelineBarrier) D(CmdFillBuffer) D(CmdCopyBuffer)          \
  D(QueueSubmit) D(GetBufferDeviceAddress) D(DeviceWaitIdle) D(CreateQueryPool) D(DestroyQueryPool) D(GetQueryPoolResults)    \
  D(CmdResetQueryPool) D(CmdWriteTimestamp)
  DEVICE_CALLS
#undef D
};

static void load_device_calls(mv_instance *in, mv_device *d) {
#define D(name) d->name = (PFN_vk##name)in->GetDeviceProcAddr(d->handle, "vk" #name);
  DEVICE_CALLS
#undef D
}

static int create_objects(mv_device *d, uint32_t family) {
  d->GetDeviceQueue(d->handle, family, 0, &d->queue);
  VkCommandPoolCreateInfo pool = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = family;
  VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 128};
  VkPipelineLayoutCreateInfo layout = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout.pushConstantRangeCount = 1, layout.pPushConstantRanges = &range;
  int r;
  if ((r = d->CreateCommandPool(d->handle, &pool, NULL, &d->pool))) return r;
  return d->CreatePipelineLayout(d->handle, &layout, NULL, &d->layout);
}

int mv_device_create(mv_instance *in, void *physical, const mv_info *i, int robust, mv_device **out) {
  *out = NULL;
  float priority = 1;
  VkDeviceQueueCreateInfo q = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  q.queueFamilyIndex = (uint32_t)i->compute_family, q.queueCount = 1, q.pQueuePriorities = &priority;
  VkPhysicalDeviceVulkan11Features f11 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  f11.storageBuffer16BitAccess = i->storage16;
  VkPhysicalDeviceVulkan12Features f12 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &f11};
  f12.bufferDeviceAddress = 1, f12.scalarBlockLayout = 1, f12.subgroupBroadcastDynamicId = 1; // the last is in every 1.2
  f12.shaderFloat16 = i->float16, f12.shaderInt8 = i->int8;
  f12.storageBuffer8BitAccess = i->storage8, f12.vulkanMemoryModel = i->vulkan_memory_model;
  VkPhysicalDeviceVulkan13Features f13 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, &f12};
  f13.maintenance4 = 1; // every Vulkan 1.3 device has it; kernels size workgroups by a constant
  f13.subgroupSizeControl = i->subgroup_control, f13.computeFullSubgroups = i->full_subgroups;
  VkPhysicalDeviceFeatures2 f = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &f13};
  f.features.shaderInt64 = i->int64, f.features.shaderInt16 = i->int16, f.features.robustBufferAccess = robust && i->robust_access;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR coop = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, NULL, 1, 0};
  const char *coop_name = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
  VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &f};
  info.queueCreateInfoCount = 1, info.pQueueCreateInfos = &q;
  if (i->coop_matrix) f11.pNext = &coop, info.enabledExtensionCount = 1, info.ppEnabledExtensionNames = &coop_name;
  VkDevice h;
  VkResult r = in->CreateDevice(physical, &info, NULL, &h);
  if (r != VK_SUCCESS) return r;
  mv_device *d = calloc(1, sizeof *d);
  d->handle = h;
  pthread_mutex_init(&d->lock, NULL);
  load_device_calls(in, d);
  r = create_objects(d, q.queueFamilyIndex);
  if (r != VK_SUCCESS) {
    mv_device_destroy(d);
    return r;
  }
  *out = d;
  return VK_SUCCESS;
}

void mv_device_destroy(mv_device *d) {
  if (!d) return;
  d->DeviceWaitIdle(d->handle);
  d->DestroyPipelineLayout(d->handle, d->layout, NULL);
  d->DestroyPipelineCache(d->handle, d->cache, NULL);
  d->DestroyCommandPool(d->handle, d->pool, NULL);
  d->DestroyDevice(d->handle, NULL);
  pthread_mutex_destroy(&d->lock);
  free(d);
}

void *mv_device_handle(mv_device *d) { return d->handle; }

void *mv_address_flags(void) {
  static VkMemoryAllocateFlagsInfo f = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, NULL, VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT, 0};
  return &f;
}

uint64_t mv_buffer_address(mv_device *d, uint64_t buffer) {
  VkBufferDeviceAddressInfo i = {VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, NULL, (VkBuffer)buffer};
  return d->GetBufferDeviceAddress(d->handle, &i);
}

int mv_cache_add(mv_device *d, const void *bytes, size_t n) {
  VkPipelineCacheCreateInfo i = {VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, NULL, 0, n, bytes};
  VkPipelineCache more;
  VkResult r = d->CreatePipelineCache(d->handle, &i, NULL, &more);
  if (r != VK_SUCCESS) return r;
  if (d->cache == VK_NULL_HANDLE) {
    d->cache = more;
    return r;
  }
  r = d->MergePipelineCaches(d->handle, d->cache, 1, &more);
  d->DestroyPipelineCache(d->handle, more, NULL);
  return r;
}

void *mv_cache_get(mv_device *d, size_t *n) {
  if (d->cache == VK_NULL_HANDLE || d->GetPipelineCacheData(d->handle, d->cache, n, NULL) != VK_SUCCESS) return NULL;
  void *bytes = malloc(*n);
  if (bytes && d->GetPipelineCacheData(d->handle, d->cache, n, bytes) == VK_SUCCESS) return bytes;
  free(bytes);
  return NULL;
}

void mv_bytes_free(void *p) { free(p); }

int mv_pipeline_create(mv_device *d, const uint32_t *spirv, size_t bytes, const uint32_t *spec, uint32_t nspec, uint32_t subgroup,
                       uint64_t *out) {
  VkShaderModuleCreateInfo mi = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, NULL, 0, bytes, spirv};
  VkShaderModule module;
  VkResult r = d->CreateShaderModule(d->handle, &mi, NULL, &module);
  if (r != VK_SUCCESS) return r;
  VkSpecializationMapEntry map[32];
  if (nspec > 32) nspec = 32;
  for (uint32_t i = 0; i < nspec; i++) map[i] = (VkSpecializationMapEntry){i, i * 4, 4};
  VkSpecializationInfo si = {nspec, map, nspec * 4, spec};
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo ss = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO};
  ss.requiredSubgroupSize = subgroup;
  VkComputePipelineCreateInfo ci = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  ci.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  ci.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT, ci.stage.module = module, ci.stage.pName = "main";
  ci.stage.pSpecializationInfo = nspec ? &si : NULL;
  if (subgroup) {
    ci.stage.pNext = &ss;
    ci.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  ci.layout = d->layout, ci.basePipelineIndex = -1;
  VkPipeline p;
  r = d->CreateComputePipelines(d->handle, d->cache, 1, &ci, NULL, &p);
  d->DestroyShaderModule(d->handle, module, NULL);
  *out = r == VK_SUCCESS ? (uint64_t)p : 0;
  return r;
}

void mv_pipeline_destroy(mv_device *d, uint64_t p) { d->DestroyPipeline(d->handle, (VkPipeline)p, NULL); }

static void barrier(mv_device *d, VkCommandBuffer c) {
  VkMemoryBarrier m = {VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  m.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  m.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                    VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
  VkPipelineStageFlags src = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  d->CmdPipelineBarrier(c, src, src | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, 0, 1, &m, 0, NULL, 0, NULL);
}

// host_barriers makes what the host wrote visible before, and what the device
// wrote visible to the host after a program.
static void host_barrier(mv_device *d, VkCommandBuffer c, int before) {
  VkMemoryBarrier m = {VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  VkPipelineStageFlags dev = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  if (before) { // also orders a replay after the one before it in the same submit
    m.srcAccessMask = VK_ACCESS_HOST_WRITE_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    m.dstAccessMask =
        VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
        VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
    d->CmdPipelineBarrier(c, dev | VK_PIPELINE_STAGE_HOST_BIT, dev | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, 0, 1, &m, 0, NULL, 0, NULL);
    return;
  }
  m.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  m.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  d->CmdPipelineBarrier(c, dev, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &m, 0, NULL, 0, NULL);
}

static void record_op(mv_device *d, VkCommandBuffer c, const mv_op *o, const uint8_t *push, VkPipeline *bound) {
  if (o->barrier) barrier(d, c);
  if (o->kind == 1) {
    d->CmdFillBuffer(c, (VkBuffer)o->dst, o->dst_offset, o->bytes, o->value);
    return;
  }
  if (o->kind == 2) {
    VkBufferCopy r = {o->src_offset, o->dst_offset, o->bytes};
    d->CmdCopyBuffer(c, (VkBuffer)o->src, (VkBuffer)o->dst, 1, &r);
    return;
  }
  if (*bound != (VkPipeline)o->pipeline) {
    *bound = (VkPipeline)o->pipeline;
    d->CmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, *bound);
  }
  d->CmdPushConstants(c, d->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, o->push_bytes, push + o->push_offset);
  d->CmdDispatch(c, o->groups[0], o->groups[1], o->groups[2]);
}

int mv_record(mv_device *d, const mv_op *ops, uint32_t nops, const uint8_t *push, uint64_t queries, uint64_t *out) {
  VkQueryPool q = (VkQueryPool)queries;
  *out = 0;
  VkCommandBufferAllocateInfo ai = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  ai.commandPool = d->pool, ai.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, ai.commandBufferCount = 1;
  pthread_mutex_lock(&d->lock);
  VkCommandBuffer c;
  VkResult r = d->AllocateCommandBuffers(d->handle, &ai, &c);
  if (r == VK_SUCCESS) {
    VkCommandBufferBeginInfo bi = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    bi.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
    r = d->BeginCommandBuffer(c, &bi);
    VkPipeline bound = VK_NULL_HANDLE;
    if (q) d->CmdResetQueryPool(c, q, 0, nops + 1);
    host_barrier(d, c, 1);
    if (q) d->CmdWriteTimestamp(c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, q, 0);
    for (uint32_t i = 0; r == VK_SUCCESS && i < nops; i++) {
      record_op(d, c, &ops[i], push, &bound);
      if (q) d->CmdWriteTimestamp(c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, q, i + 1);
    }
    host_barrier(d, c, 0);
    if (r == VK_SUCCESS) r = d->EndCommandBuffer(c);
    if (r != VK_SUCCESS) d->FreeCommandBuffers(d->handle, d->pool, 1, &c);
  }
  pthread_mutex_unlock(&d->lock);
  if (r == VK_SUCCESS) *out = (uint64_t)c;
  return r;
}

int mv_queries_create(mv_device *d, uint32_t n, uint64_t *out) {
  VkQueryPoolCreateInfo info = {VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP, info.queryCount = n;
  VkQueryPool q = VK_NULL_HANDLE;
  VkResult r = d->CreateQueryPool(d->handle, &info, NULL, &q);
  *out = (uint64_t)q;
  return r;
}

void mv_queries_destroy(mv_device *d, uint64_t queries) { d->DestroyQueryPool(d->handle, (VkQueryPool)queries, NULL); }

int mv_queries_read(mv_device *d, uint64_t queries, uint32_t n, uint64_t *out) {
  return d->GetQueryPoolResults(d->handle, (VkQueryPool)queries, 0, n, n * sizeof *out, out, sizeof *out, VK_QUERY_RESULT_64_BIT);
}

void mv_record_free(mv_device *d, uint64_t cmd) {
  VkCommandBuffer c = (VkCommandBuffer)cmd;
  pthread_mutex_lock(&d->lock);
  d->FreeCommandBuffers(d->handle, d->pool, 1, &c);
  pthread_mutex_unlock(&d->lock);
}

int mv_fence_create(mv_device *d, uint64_t *out) {
  VkFenceCreateInfo info = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence f = VK_NULL_HANDLE;
  VkResult r = d->CreateFence(d->handle, &info, NULL, &f);
  *out = (uint64_t)f;
  return r;
}

void mv_fence_destroy(mv_device *d, uint64_t fence) { d->DestroyFence(d->handle, (VkFence)fence, NULL); }

int mv_submit(mv_device *d, const uint64_t *cmds, uint32_t n, uint64_t fence) {
  VkSubmitInfo s = {VK_STRUCTURE_TYPE_SUBMIT_INFO};
  s.commandBufferCount = n, s.pCommandBuffers = (const VkCommandBuffer *)cmds;
  return d->QueueSubmit(d->queue, 1, &s, (VkFence)fence);
}

int mv_wait(mv_device *d, uint64_t fence, uint64_t timeout_ns) {
  VkFence f = (VkFence)fence;
  VkResult r = d->WaitForFences(d->handle, 1, &f, VK_TRUE, timeout_ns);
  if (r == VK_SUCCESS) r = d->ResetFences(d->handle, 1, &f);
  return r;
}
