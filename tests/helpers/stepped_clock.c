/* The system's clock, shifted by as many seconds as a file says; preloaded into the program.
   The monotonic clock is left alone, as it is when somebody sets the clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift_s(void) {
    long shift = 0;
    FILE *file = fopen(getenv("CLOCK_SHIFT_FILE"), "r");
    if (file != NULL) {
        if (fscanf(file, "%ld", &shift) != 1) shift = 0;
        fclose(file);
    }
    return shift;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += shift_s();
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec fine;
    int status = clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return status;
}

time_t time(time_t *result) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (result != NULL) *result = fine.tv_sec;
    return fine.tv_sec;
}
