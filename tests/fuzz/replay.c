/* Stand-alone main for fuzz targets: feeds each file of the directories and files named to the
 * target. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 0;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
  size_t got = fread(data, 1, (size_t)size, file);
  fclose(file);
  LLVMFuzzerTestOneInput(data, got);
  free(data);
  return 1;
}

static int replay_directory(const char *path) {
  DIR *directory = opendir(path);
  int count = 0;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    char name[4096];
    if (entry->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    count += replay_file(name);
  }
  if (directory != NULL) closedir(directory);
  return count;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; i++) {
    struct stat info;
    if (stat(argv[i], &info) != 0) continue;
    count += S_ISDIR(info.st_mode) ? replay_directory(argv[i]) : replay_file(argv[i]);
  }
  printf("replayed %d inputs\n", count);
  return count > 0 ? 0 : 1; /* an empty corpus proves nothing */
}
