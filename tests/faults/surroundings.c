/* What a machine does to a daemon, for its libc calls: a clock that is set, a disk that is slow.
 * The file named by FUGUE_TEST_SURROUNDINGS holds two 64-bit numbers: seconds added to the wall
 * clock, and milliseconds that each write to a file at a position and each sync takes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *surroundings(void)
{
    static volatile int64_t *mapped;
    const char *path;
    void *at;
    int fd;
    if (mapped)
        return mapped;
    path = getenv("FUGUE_TEST_SURROUNDINGS");
    fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    at = mmap(0, 16, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        mapped = at;
    return mapped;
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *) = next("clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && surroundings())
        now->tv_sec += surroundings()[0];
    return result;
}

static void disk(void)
{
    if (surroundings() && surroundings()[1])
        usleep(1000 * surroundings()[1]);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) = next("pwrite64");
    disk();
    return real(fd, bytes, count, at);
}

int fdatasync(int fd)
{
    int (*real)(int) = next("fdatasync");
    disk();
    return real(fd);
}

int fsync(int fd)
{
    int (*real)(int) = next("fsync");
    disk();
    return real(fd);
}
