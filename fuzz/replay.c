/* replay.c - runs a fuzz target over the files of folders, without a fuzzer: the corpus as a test for any compiler.
 * Usage: replay_NAME FOLDER... Fails when a folder holds no file, or when memory is not given back. */
#include "base/memory.h"
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Runs one file, in a block of exactly its size. 0 on success. */
static int run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  struct stat st;
  uint8_t *data = NULL;
  int failed = !file || fstat(fileno(file), &st) || !(data = malloc(st.st_size ? (size_t)st.st_size : 1)) ||
               fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size;
  if (file) fclose(file);
  if (failed)
    fprintf(stderr, "%s: cannot be read\n", path);
  else {
    long live = mem_live();
    LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
    if (mem_live() != live) {
      fprintf(stderr, "%s: %ld blocks were not given back\n", path, mem_live() - live);
      failed = 1;
    }
  }
  free(data);
  return failed;
}

static int run_folder(const char *folder) {
  DIR *d = opendir(folder);
  if (!d) return fprintf(stderr, "%s: cannot be opened\n", folder), 1;
  int files = 0, failed = 0;
  for (struct dirent *e; (e = readdir(d));) {
    char path[4096];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) continue;
    if (stat(path, &st) || !S_ISREG(st.st_mode)) continue;
    files++;
    failed += run_file(path);
  }
  closedir(d);
  printf("%s: %d files, %d failed\n", folder, files, failed);
  return failed || files == 0;
}

int main(int n, char **arguments) {
  int failed = n < 2;
  for (int i = 1; i < n; i++) failed |= run_folder(arguments[i]);
  return failed;
}
