/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

/*
 * Landlock's interface, spelled out here: the kernel this runs on may be newer than the headers
 * this was built with, and its newer rights are worth having. See landlock(7).
 */
#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_DIR (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR (1ULL << 7)
#define FS_MAKE_REG (1ULL << 8)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_ALL_ABI_1 ((1ULL << 13) - 1)
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ALL_ABI_6 3ULL /* abstract unix sockets, signals */
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define CREATE_RULESET_VERSION 1U

struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct net_port {
	uint64_t allowed;
	uint64_t port; /* 0: of bind(2), any that is free */
};

/* What the n-th version of the interface added to the file rights, and how long its struct is. */
static uint64_t
fs_rights_of(int abi)
{
	uint64_t rights = FS_ALL_ABI_1;

	if (abi >= 2)
		rights |= FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= 1ULL << 15; /* ioctl on devices */
	return rights;
}

static size_t
ruleset_size_of(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static uint64_t
allowed_rights(enum sandbox_files files)
{
	switch (files) {
	case SANDBOX_NO_FILES:
		return 0;
	case SANDBOX_READ:
		return FS_READ_FILE | FS_READ_DIR;
	case SANDBOX_READ_WRITE:
		return FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG |
		       FS_MAKE_DIR | FS_REMOVE_FILE | FS_REMOVE_DIR | FS_REFER;
	}
	return 0;
}

int
sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static int
landlock_restrict(const struct sandbox_rules *rules, int directory, int abi, struct error *err)
{
	struct ruleset attributes = {.handled_fs = fs_rights_of(abi)};
	struct path_beneath beneath = {.parent = directory};
	/* A connection may say where it comes from: an address, and whatever port is free. */
	const struct net_port any_port = {.allowed = NET_BIND_TCP, .port = 0};
	int ruleset, result = -1;

	if (abi >= 4)
		attributes.handled_net =
		    rules->connects ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		attributes.scoped = SCOPE_ALL_ABI_6;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, ruleset_size_of(abi), 0);
	if (ruleset == -1)
		return error_errno(err, "making a Landlock ruleset");
	beneath.allowed = allowed_rights(rules->files) & attributes.handled_fs;
	if (beneath.allowed != 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) == -1)
		error_errno(err, "adding the directory to the Landlock ruleset");
	else if (abi >= 4 && rules->connects &&
		 syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &any_port, 0) == -1)
		error_errno(err, "adding a source address to the Landlock ruleset");
	else if (syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
		error_errno(err, "restricting to the Landlock ruleset");
	else
		result = 0;
	close(ruleset);
	return result;
}

/* A part that is missing: an error, or in best effort a warning. */
static int
missing(const struct sandbox_rules *rules, enum sandbox_mode mode, const char *what,
	struct error *err)
{
	if (mode == SANDBOX_REQUIRED)
		return error_set(
		    err, "%s; sandbox = \"best-effort\" in postern.conf would go on without it",
		    what);
	log_event(LOG_WARNING, "sandbox.incomplete", KV_STR("role", rules->role),
		  KV_STR("why", what));
	return 0;
}

static int
set_limit(int resource, uint64_t value, struct error *err)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) == -1)
		return error_errno(err, "reading a resource limit");
	if (limit.rlim_max != RLIM_INFINITY && value > limit.rlim_max)
		value = limit.rlim_max;
	limit.rlim_cur = limit.rlim_max = value;
	if (setrlimit((__rlimit_resource_t)resource, &limit) == -1)
		return error_errno(err, "setting a resource limit");
	return 0;
}

int
sandbox_close_files(const struct sandbox_rules *rules, int directory, enum sandbox_mode mode,
		    struct error *err)
{
	int abi = sandbox_landlock_abi();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return error_errno(err, "setting no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return error_errno(err, "becoming non-dumpable");
	if (set_limit(RLIMIT_CORE, 0, err) == -1)
		return -1;
	if (rules->file_size != 0 && set_limit(RLIMIT_FSIZE, rules->file_size, err) == -1)
		return -1;
	if (rules->descriptors != 0 && set_limit(RLIMIT_NOFILE, rules->descriptors, err) == -1)
		return -1;
	if (abi == 0)
		return missing(rules, mode, "this kernel has no Landlock", err);
	return landlock_restrict(rules, directory, abi, err);
}

const char *const sandbox_base_syscalls[] = {
    /* the event loop */
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "poll",
    "ppoll",
    /* channels and what came over them */
    "close",
    "dup2",
    "dup3",
    "fcntl",
    "fstat",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "sendmsg",
    "sendto",
    "shutdown",
    "write",
    "writev",
    "getsockopt",
    /* memory; mmap and mprotect are below: never executable */
    "brk",
    "madvise",
    "mremap",
    "munmap",
    /* time, identity, randomness */
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "gettid",
    "gettimeofday",
    "getuid",
    "nanosleep",
    "restart_syscall",
    "sched_getaffinity",
    "sched_yield",
    "sysinfo",
    "uname",
    /* threads and signals of its own */
    "futex",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "set_robust_list",
    "sigaltstack",
    /* the end */
    "exit",
    "exit_group",
#ifdef SANITIZED
    /* AddressSanitizer's reports and its allocator; Landlock still holds what they could open. */
    "mmap",
    "mprotect",
    "openat",
    "readlink",
    "readlinkat",
    "pipe2",
    "lseek",
    "getrlimit",
    "prlimit64",
    "tgkill",
    "ioctl",
    "newfstatat",
    "getcwd",
    "prctl",
#endif
    NULL,
};

/* The same for every role: memory is never executable, a process signals only itself. */
static const struct sandbox_argument base_arguments[] = {
    {"mmap", 2, PROT_EXEC, 0},
    {"mprotect", 2, PROT_EXEC, 0},
    {"prlimit64", 2, UINT64_MAX, 0}, /* reading a limit, not setting it */
    {NULL, 0, 0, 0},
};

static int
allow(scmp_filter_ctx filter, const char *name, struct error *err)
{
	int number = seccomp_syscall_resolve_name(name);
	int result;

	/* A call that this architecture or this libseccomp doesn't know can't be made either. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	if (result < 0 && result != -EEXIST)
		return error_set(err, "seccomp rule for %s: %s", name, strerror(-result));
	return 0;
}

static int
allow_argument(scmp_filter_ctx filter, const struct sandbox_argument *argument, struct error *err)
{
	int number = seccomp_syscall_resolve_name(argument->syscall);
	struct scmp_arg_cmp compare =
	    SCMP_CMP64(argument->index, SCMP_CMP_MASKED_EQ, argument->mask, argument->value);
	int result;

	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &compare);
	if (result < 0 && result != -EEXIST)
		return error_set(err, "seccomp rule for %s: %s", argument->syscall,
				 strerror(-result));
	return 0;
}

static int
fill_filter(scmp_filter_ctx filter, const struct sandbox_rules *rules, struct error *err)
{
	const struct sandbox_argument own_signals = {"tgkill", 0, UINT64_MAX, (uint64_t)getpid()};

	for (const char *const *name = sandbox_base_syscalls; *name != NULL; name++) {
		if (allow(filter, *name, err) == -1)
			return -1;
	}
	for (const char *const *name = rules->syscalls; name != NULL && *name != NULL; name++) {
		if (allow(filter, *name, err) == -1)
			return -1;
	}
	for (const struct sandbox_argument *a = base_arguments; a->syscall != NULL; a++) {
		if (allow_argument(filter, a, err) == -1)
			return -1;
	}
	for (const struct sandbox_argument *a = rules->arguments; a != NULL && a->syscall != NULL;
	     a++) {
		if (allow_argument(filter, a, err) == -1)
			return -1;
	}
	/* abort(3) */
	return allow_argument(filter, &own_signals, err);
}

int
sandbox_close_syscalls(const struct sandbox_rules *rules, enum sandbox_mode mode, struct error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int result;

	if (filter == NULL)
		return missing(rules, mode, "libseccomp can't be used on this kernel", err);
	/* No new process or thread; counted a uid, so as a plain user only a second line. */
	if ((!rules->forks && set_limit(RLIMIT_NPROC, 0, err) == -1) ||
	    fill_filter(filter, rules, err) == -1) {
		seccomp_release(filter);
		return -1;
	}
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	result = seccomp_load(filter);
	seccomp_release(filter);
	if (result < 0) {
		errno = -result;
		error_errno(err, "loading the seccomp filter");
		return missing(rules, mode, err->text, err);
	}
	return 0;
}
