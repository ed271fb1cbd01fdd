#include "disk.h"

#include "ranksweep/base.h"

#include <math.h>
#include <sys/vfs.h>

/* Numbers from linux/magic.h, and of file systems outside the kernel from their own headers. */
static const disk_kind kinds[] = {
    {0xef53, "ext4 (or ext2, ext3)", false, false, false},
    {0x58465342, "xfs", false, false, false},
    {0x9123683e, "btrfs", false, false, false},
    {0x2fc12fc1, "zfs", false, false, false},
    {0xf2f52010, "f2fs", false, false, false},
    {0x4d44, "fat", false, false, false},
    {0x794c7630, "overlay (a container's own; gone with the container)", false, false, false},
    {0x01021994, "tmpfs (memory)", false, true, false},
    {0x858458f6, "ramfs (memory)", false, true, false},
    {0x9fa0, "proc", false, true, false},
    {0x62656572, "sysfs", false, true, false},
    {0x6969, "nfs", true, false, false},
    {0x0bd00bd0, "lustre", true, false, false},
    {0x47504653, "gpfs", true, false, false},
    {0x19830326, "beegfs", true, false, false},
    {0x00c36400, "ceph", true, false, false},
    {0x20030528, "orangefs", true, false, true},
    {0xaad7aaea, "panfs", true, false, false},
    {0x01161970, "gfs2", true, false, false},
    {0x7461636f, "ocfs2", true, false, false},
    {0x5346414f, "afs", true, false, true},
    {0xff534d42, "cifs", true, false, true},
    {0xfe534d42, "smb", true, false, true},
    {0x01021997, "9p", true, false, false},
    {0x65735546, "fuse", false, false, false},
};

bool disk_of(const char *path, disk *out) {
  struct statfs info;
  if (statfs(path, &info) != 0) return false;
  *out = (disk){.kind = {.magic = (long)info.f_type, .name = "of an unknown kind"}};
  for (size_t i = 0; i < RS_COUNT(kinds); i++)
    if ((unsigned long)kinds[i].magic == ((unsigned long)info.f_type & 0xffffffffUL))
      out->kind = kinds[i];
  out->size = (double)info.f_blocks * (double)info.f_bsize;
  out->room = (double)info.f_bavail * (double)info.f_bsize;
  out->names = info.f_files > 0 ? (double)info.f_ffree : NAN;
  return true;
}
