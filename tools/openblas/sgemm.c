// sgemm M N K SECONDS: OpenBLAS's product C[m,n] = A[m,k]·B[n,k]ᵀ in f32, the form
// of a layer, over and over. Prints GFLOP/s and OpenBLAS's own description. The
// library is opened at run time, so building needs none of its headers.
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RowMajor = 101, NoTrans = 111, Trans = 112 }; // cblas.h

typedef void (*sgemm_fn)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *values(size_t n) {
  float *x = malloc(n * sizeof *x);
  for (size_t i = 0; x && i < n; i++) x[i] = (float)(i % 17) / 17 - 0.5f;
  return x;
}

int main(int argc, char **argv) {
  if (argc != 5) return fprintf(stderr, "usage: sgemm M N K SECONDS\n"), 2;
  int m = atoi(argv[1]), n = atoi(argv[2]), k = atoi(argv[3]);
  double seconds = atof(argv[4]);
  void *lib = dlopen("libopenblas.so.0", RTLD_NOW);
  if (!lib) return fprintf(stderr, "sgemm: %s\n", dlerror()), 1;
  sgemm_fn sgemm = (sgemm_fn)dlsym(lib, "cblas_sgemm");
  char *(*config)(void) = (char *(*)(void))dlsym(lib, "openblas_get_config");
  int (*threads)(void) = (int (*)(void))dlsym(lib, "openblas_get_num_threads");
  float *a = values((size_t)m * k), *b = values((size_t)n * k), *c = values((size_t)m * n);
  if (!sgemm || !config || !threads || !a || !b || !c) return fprintf(stderr, "sgemm: no OpenBLAS or no memory\n"), 1;
  sgemm(RowMajor, NoTrans, Trans, m, n, k, 1, a, k, b, k, 0, c, n);
  long runs = 0;
  double begin = now(), took;
  do {
    sgemm(RowMajor, NoTrans, Trans, m, n, k, 1, a, k, b, k, 0, c, n);
    runs++;
  } while ((took = now() - begin) < seconds);
  printf("%.1f %s, %d threads\n", 2.0 * m * n * k * (double)runs / took / 1e9, config(), threads());
  return 0;
}
