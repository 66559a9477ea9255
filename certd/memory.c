/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "certd/memory.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "certd/arena.h"
#include "common/log.h"

/*
 * Together below 8 MiB, what an unprivileged process may usually lock; pages are locked as they
 * are first used, so that a certd with few keys takes little.
 */
#define SECURE_HEAP (2u << 20)
#define SECURE_SMALLEST 64
#define ARENA (4u << 20)
#define GUARD (64u << 10)
#define STACK (128u << 10) /* what signing may use of the main stack */
/* Enough for all of the process: program, libraries, stack, heap. */
#define LOCK_ALL (64u << 20)

static struct arena arena;
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER; /* keys are made in a thread */
static bool arena_overflowed;
static struct {
	int arena_errno;  /* the arena could not be mapped or locked */
	bool secure_heap; /* there, and locked */
	bool everything;  /* mlockall() took */
	bool hooked;      /* libcrypto allocates here */
	rlim_t limit;
} status;

/* libc's memory, when the arena is full; it is wiped all the same. */
static void
wiping_free(void *p)
{
	if (p != NULL) {
		explicit_bzero(p, malloc_usable_size(p));
		free(p);
	}
}

static void *
hook_malloc(size_t size, const char *file, int line)
{
	void *p;

	(void)file;
	(void)line;
	if (size == 0)
		return NULL;
	pthread_mutex_lock(&arena_lock);
	p = arena_alloc(&arena, size);
	pthread_mutex_unlock(&arena_lock);
	if (p != NULL)
		return p;
	if (arena.size != 0 && !arena_overflowed) {
		arena_overflowed = true;
		log_event(LOG_WARNING, "memory.full", KV_U64("size", arena.size),
			  KV_STR("todo",
				 "fewer keys in the certs folder; what didn't fit is wiped "
				 "after use, but is locked only with a larger LimitMEMLOCK"));
	}
	return malloc(size);
}

static void
hook_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (arena_owns(&arena, p)) {
		pthread_mutex_lock(&arena_lock);
		arena_free(&arena, p);
		pthread_mutex_unlock(&arena_lock);
	} else {
		wiping_free(p);
	}
}

static void *
hook_realloc(void *p, size_t size, const char *file, int line)
{
	size_t old;
	void *q;

	if (p == NULL)
		return hook_malloc(size, file, line);
	if (size == 0) {
		hook_free(p, file, line);
		return NULL;
	}
	old = arena_owns(&arena, p) ? arena_size(&arena, p) : malloc_usable_size(p);
	if (size <= old)
		return p;
	if ((q = hook_malloc(size, file, line)) == NULL)
		return NULL;
	memcpy(q, p, old);
	hook_free(p, file, line);
	return q;
}

static void
raise_lock_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == -1)
		return;
	if (limit.rlim_cur < LOCK_ALL) {
		struct rlimit more = {LOCK_ALL, limit.rlim_max};

		if (more.rlim_max < LOCK_ALL)
			more.rlim_max = LOCK_ALL;
		/* Above the hard limit only with CAP_SYS_RESOURCE. */
		if (setrlimit(RLIMIT_MEMLOCK, &more) == 0)
			limit = more;
		else if (limit.rlim_cur < limit.rlim_max) {
			limit.rlim_cur = limit.rlim_max;
			(void)setrlimit(RLIMIT_MEMLOCK, &limit);
		}
	}
	status.limit = limit.rlim_cur;
}

#ifdef SANITIZED
/* AddressSanitizer watches libc's allocations, which an arena would hide from it. */
static int
map_arena(void)
{
	return 0;
}
#else
static int
map_arena(void)
{
	const int access = PROT_NONE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uint8_t *p;

	/* cppcheck-suppress invalidFunctionArg ; -1 is what goes with MAP_ANONYMOUS */
	p = mmap(NULL, GUARD + ARENA + GUARD, access, flags, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	p += GUARD;
	if (mprotect(p, ARENA, PROT_READ | PROT_WRITE) == -1)
		return errno;
	arena_init(&arena, p, ARENA);
	if (mlock2(p, ARENA, MLOCK_ONFAULT) == -1 || madvise(p, ARENA, MADV_DONTDUMP) == -1 ||
	    madvise(p, ARENA, MADV_WIPEONFORK) == -1)
		return errno;
	return 0;
}
#endif

/* The pages of the stack that will be used from here on. They are touched to be there. */
static void __attribute__((noinline)) lock_stack(void)
{
	char room[STACK];

	explicit_bzero(room, sizeof(room));
	(void)mlock(room, sizeof(room));
}

void *
memory_stack(size_t size)
{
	const int access = PROT_NONE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint8_t *p;

	/* cppcheck-suppress invalidFunctionArg ; -1 is what goes with MAP_ANONYMOUS */
	p = mmap(NULL, GUARD + size, access, flags, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	p += GUARD;
	if (mprotect(p, size, PROT_READ | PROT_WRITE) == -1)
		return NULL;
	(void)mlock2(p, size, MLOCK_ONFAULT);
	(void)madvise(p, size, MADV_DONTDUMP);
	return p;
}

void
memory_init(bool with_arena)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)mallopt(M_ARENA_MAX, 1); /* a thread's own would reserve, and so lock, 64 MiB */
	raise_lock_limit();
	status.arena_errno = with_arena ? map_arena() : 0;
	status.hooked = CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free) == 1;
	/* 1: there and locked; 2: there, but not locked or without guard pages. */
	status.secure_heap = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_SMALLEST) == 1;
	/* The system's openssl.cnf may load modules: not into this process. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_CIPHERS |
				      OPENSSL_INIT_ADD_ALL_DIGESTS,
				  NULL);
	/* MCL_FUTURE counts against the limit, and fails allocations beyond it. */
	if (status.limit >= LOCK_ALL)
		status.everything = mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
	if (!status.everything)
		lock_stack();
}

void
memory_report(void)
{
	if (status.arena_errno != 0 || !status.hooked || !status.secure_heap)
		log_event(LOG_WARNING, "memory.unlocked", KV_ERRNO(status.arena_errno),
			  KV_U64("limit", status.limit), KV_U64("needed", SECURE_HEAP + ARENA),
			  KV_STR("todo",
				 "raise RLIMIT_MEMLOCK (LimitMEMLOCK=64M in a systemd unit): "
				 "keys may be swapped to disk"));
	else if (!status.everything)
		log_event(LOG_INFO, "memory.partly", KV_U64("limit", status.limit),
			  KV_STR("text", "keys are locked in memory, the rest of the process is "
					 "not: RLIMIT_MEMLOCK is below 64 MiB"));
	else
		log_event(LOG_DEBUG, "memory.locked", KV_U64("limit", status.limit));
}
