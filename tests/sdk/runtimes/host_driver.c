/* A libcuda.so.1 of host memory for tests: as much of the driver as the SDK
   calls, and nothing else.

   Work on a stream waits until somebody waits for it, and captured work until
   its graph is launched. It refuses what a driver refuses: calls without a
   context, calls that a capture forbids, memory that was freed. Each call is a
   line in the file ISFP_DRIVER_LOG. ISFP_DRIVER_FAIL=NAME:STATUS lets a
   function fail; ISFP_DRIVER_CUDA is the CUDA version; ISFP_DRIVER_INTEGRATED
   makes the device one that shares the host's memory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  OK = 0,
  INVALID_VALUE = 1,
  NO_CONTEXT = 201,
  NOT_FOUND = 500,
  CAPTURE_UNSUPPORTED = 900,
  CAPTURE_INVALIDATED = 901
};
enum { MOST = 256 };

typedef enum { COPY, ADD_ONE, MARK } Kind;
typedef struct {
  Kind kind;
  void *to;
  const void *from;
  size_t count;
} Work;
typedef struct {
  Work work[MOST];
  int count;
} List;
typedef struct {
  List waiting;
  List *captured;
  int invalid;
} Stream;
typedef struct {
  struct timespec when;
  Stream *stream;
} Event;

static _Thread_local int contexts;
static Stream *capturing;
static int context, alive;
static void *mapped; /* the last memory that the device may reach */

static int version(void) {
  const char *set = getenv("ISFP_DRIVER_CUDA");
  return set ? atoi(set) : 13000;
}

static int begin(const char *name) {
  const char *path = getenv("ISFP_DRIVER_LOG"),
             *fail = getenv("ISFP_DRIVER_FAIL");
  FILE *log = path ? fopen(path, "a") : NULL;
  if (log) {
    fprintf(log, "%s\n", name);
    fclose(log);
  }
  size_t length = strlen(name);
  return fail && strncmp(fail, name, length) == 0 && fail[length] == ':'
             ? atoi(fail + length + 1)
             : OK;
}

/* Starts a function; those that need a context say so, and those that a capture
 * forbids end the capture. */
#define BEGIN(needs_context, during_capture)                                   \
  do {                                                                         \
    int injected = begin(__func__);                                            \
    if (injected)                                                              \
      return injected;                                                         \
    if ((needs_context) && contexts == 0)                                      \
      return NO_CONTEXT;                                                       \
    if (!(during_capture) && capturing) {                                      \
      capturing->invalid = 1;                                                  \
      return CAPTURE_UNSUPPORTED;                                              \
    }                                                                          \
  } while (0)

static int put(Stream *stream, Work work) {
  List *list = stream->captured ? stream->captured : &stream->waiting;
  if (list->count == MOST)
    return INVALID_VALUE;
  list->work[list->count++] = work;
  return OK;
}

static void run(Stream *stream) {
  for (int i = 0; i < stream->waiting.count; ++i) {
    Work work = stream->waiting.work[i];
    if (work.kind == COPY)
      memcpy(work.to, work.from, work.count);
    if (work.kind == ADD_ONE)
      for (size_t j = 0; j < work.count; ++j)
        ((float *)work.to)[j] = ((const float *)work.from)[j] + 1;
    if (work.kind == MARK)
      clock_gettime(CLOCK_MONOTONIC, &((Event *)work.to)->when);
  }
  stream->waiting.count = 0;
}

static void *take(size_t size) {
  ++alive;
  return calloc(1, size);
}

static int give_back(void *memory) {
  if (!memory)
    return INVALID_VALUE;
  --alive;
  free(memory);
  return OK;
}

/* The machine. */

int cuInit(unsigned flags) { return flags ? INVALID_VALUE : begin(__func__); }
int cuDriverGetVersion(int *found) { return *found = version(), OK; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, OK; }
int cuDeviceGetName(char *name, int size, int device) {
  return snprintf(name, size, "Orin"), (void)device, OK;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  const char *integrated = getenv("ISFP_DRIVER_INTEGRATED");
  *value = attribute == 75                 ? 8
           : attribute == 76               ? 7
           : attribute == 16               ? 16
           : attribute == 18 && integrated ? 1
                                           : 0;
  return OK;
}

int cuGetErrorString(int status, const char **words) {
  *words = status == 2 ? "out of memory" : "some reason";
  return OK;
}

/* The context. */

int cuDevicePrimaryCtxRetain(void **found, int device) {
  BEGIN(0, 1);
  (void)device;
  *found = &context;
  return OK;
}

int cuCtxPushCurrent_v2(void *pushed) {
  BEGIN(0, 1);
  if (pushed != &context)
    return NO_CONTEXT;
  ++contexts;
  return OK;
}

int cuCtxPopCurrent_v2(void **popped) {
  BEGIN(1, 1);
  --contexts;
  *popped = &context;
  return OK;
}

/* Memory. */

int cuMemAlloc_v2(uintptr_t *address, size_t size) {
  BEGIN(1, 0);
  if (size == 0)
    return INVALID_VALUE;
  *address = (uintptr_t)take(size);
  return OK;
}

int cuMemFree_v2(uintptr_t address) {
  BEGIN(1, 0);
  return give_back((void *)address);
}

int cuMemHostAlloc(void **memory, size_t size, unsigned flags) {
  BEGIN(1, 0);
  if (size == 0 || (flags && flags != 2))
    return INVALID_VALUE; /* plain, or mapped for the device */
  *memory = take(size);
  mapped = flags == 2 ? *memory : mapped;
  return OK;
}

int cuMemHostGetDevicePointer_v2(uintptr_t *address, void *memory,
                                 unsigned flags) {
  BEGIN(1, 1);
  if (flags || memory != mapped)
    return INVALID_VALUE;
  *address = (uintptr_t)memory;
  return OK;
}

int cuMemFreeHost(void *memory) {
  BEGIN(1, 0);
  return give_back(memory);
}

int cuMemcpyHtoDAsync_v2(uintptr_t to, const void *from, size_t count,
                         Stream *stream) {
  BEGIN(1, 1);
  return put(stream, (Work){COPY, (void *)to, from, count});
}

int cuMemcpyDtoHAsync_v2(void *to, uintptr_t from, size_t count,
                         Stream *stream) {
  BEGIN(1, 1);
  return put(stream, (Work){COPY, to, (const void *)from, count});
}

int cuMemcpyDtoH_v2(void *to, uintptr_t from, size_t count) {
  BEGIN(1, 0);
  memcpy(to, (const void *)from, count);
  return OK;
}

/* The stream and its events. */

int cuStreamCreate(Stream **stream, unsigned flags) {
  BEGIN(1, 0);
  if (flags != 1)
    return INVALID_VALUE; /* one that does not wait for the default stream */
  *stream = take(sizeof(Stream));
  return OK;
}

int cuStreamSynchronize(Stream *stream) {
  BEGIN(1, 0);
  run(stream);
  return OK;
}

int cuStreamDestroy_v2(Stream *stream) {
  BEGIN(1, 0);
  return give_back(stream);
}

int cuEventCreate(Event **event, unsigned flags) {
  BEGIN(1, 0);
  if (flags)
    return INVALID_VALUE; /* one that measures time */
  *event = take(sizeof(Event));
  return OK;
}

int cuEventRecord(Event *event, Stream *stream) {
  BEGIN(1, 1);
  event->stream = stream;
  return put(stream, (Work){MARK, event, NULL, 0});
}

int cuEventSynchronize(Event *event) {
  BEGIN(1, 0);
  run(event->stream);
  return OK;
}

int cuEventElapsedTime(float *milliseconds, Event *start, Event *end) {
  BEGIN(1, 0);
  *milliseconds = (float)((end->when.tv_sec - start->when.tv_sec) * 1e3 +
                          (end->when.tv_nsec - start->when.tv_nsec) / 1e6);
  return OK;
}

int cuEventDestroy_v2(Event *event) {
  BEGIN(1, 0);
  return give_back(event);
}

/* Graphs. */

int cuStreamBeginCapture_v2(Stream *stream, int mode) {
  BEGIN(1, 0);
  if (mode != 1)
    return INVALID_VALUE; /* of this thread */
  stream->captured = take(sizeof(List));
  stream->invalid = 0;
  capturing = stream;
  return OK;
}

int cuStreamEndCapture(Stream *stream, List **graph) {
  int status = begin(__func__);
  if (!stream->captured)
    return INVALID_VALUE;
  if (stream->invalid)
    status = CAPTURE_INVALIDATED;
  *graph = stream->captured;
  stream->captured = NULL; /* also where it fails */
  capturing = NULL;
  if (status) {
    give_back(*graph);
    *graph = NULL;
  }
  return status;
}

int cuGraphInstantiateWithFlags(List **runnable, const List *graph,
                                unsigned long long flags) {
  BEGIN(1, 0);
  if (!graph || flags)
    return INVALID_VALUE;
  *runnable = take(sizeof(List));
  **runnable = *graph;
  return OK;
}

int cuGraphDestroy(List *graph) {
  BEGIN(1, 0);
  return give_back(graph);
}

int cuGraphLaunch(const List *runnable, Stream *stream) {
  BEGIN(1, 0);
  int status = OK;
  for (int i = 0; i < runnable->count && status == OK; ++i)
    status = put(stream, runnable->work[i]);
  return status;
}

int cuGraphExecDestroy(List *runnable) {
  BEGIN(1, 0);
  return give_back(runnable);
}

/* For the tests: a kernel, and what was not given back. */

int isfp_add_one(float *to, const float *from, size_t count, Stream *stream) {
  return put(stream, (Work){ADD_ONE, to, from, count});
}

int isfp_alive(void) { return alive; }

/* How cuda-bindings finds the functions: it asks for the version of each that
 * it was made for. */
int cuGetProcAddress_v2(const char *name, void **function, int wanted,
                        uint64_t flags, void *result) {
  (void)flags;
  (void)result;
  Dl_info here;
  void *library = dladdr((void *)cuInit, &here)
                      ? dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                      : NULL;
  char versioned[128];
  snprintf(versioned, sizeof versioned, "%s_v2", name);
  *function = NULL;
  if (library && wanted <= version()) {
    *function = dlsym(library, versioned);
    if (!*function)
      *function = dlsym(library, name);
  }
  return *function ? OK : NOT_FOUND;
}
