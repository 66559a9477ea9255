/* SPDX-License-Identifier: ISC */
/*
 * The attacker: postern-worker, postern-gate, postern-relay and postern-verify, but in one role,
 * once its sandbox has closed, foreign code runs. It is what is left of a role after a perfect
 * exploit: its descriptors, its user, its sandbox.
 *
 * The file "attack" beside the program says what is tried, as lines
 *
 *   role NAME       in which role
 *   attack NAME     one of the table below
 *   path PATH       what it aims at (a file, a socket)
 *   pid NUMBER      whom it aims at
 *
 * It is read before the sandbox closes. The outcome is a log line: event=attack.refused with the
 * reason, or event=attack.hole; a sandbox that kills the process leaves that to the master's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/proto/master_accounts.h"
#include "common/proto/master_gate.h"
#include "common/proto/master_queue.h"
#include "common/proto/master_session.h"
#include "verify/role.h"
#include "worker/roles.h"

static struct {
	char role[32];
	char name[64];
	char path[4096];
	pid_t pid;
	const struct child_role *real;
	struct child *child;
} plan;

/* 0: it worked, that is a hole. -1: refused, errno says how. */
typedef long attack_fn(void);

/* -- Files ------------------------------------------------------------------------ */

static long
open_read(void)
{
	return open(plan.path, O_RDONLY | O_CLOEXEC) == -1 ? -1 : 0;
}

static long
open_write(void)
{
	return open(plan.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 ? -1 : 0;
}

static long
list_folder(void)
{
	return open(plan.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) == -1 ? -1 : 0;
}

static long
remove_file(void)
{
	return unlink(plan.path);
}

static long
rename_file(void)
{
	return rename(plan.path, "stolen");
}

static long
link_file(void)
{
	return link(plan.path, "stolen");
}

static long
link_symbolically(void)
{
	if (symlink(plan.path, "stolen") == -1)
		return -1;
	return open("stolen", O_RDONLY | O_CLOEXEC) == -1 ? -1 : 0;
}

static long
truncate_file(void)
{
	return truncate(plan.path, 0);
}

static long
leave_root(void)
{
	return chroot("/") == 0 || chroot(".") == 0 ? 0 : -1;
}

/*
 * Whatever descriptor the role has: is one of them a directory, through which more can be reached,
 * or a file that is not its own?
 */
static long
use_inherited(void)
{
	struct stat st;
	bool own_directory = plan.real->rules->files != SANDBOX_NO_FILES;

	for (int fd = 0; fd < 1024; fd++) {
		if (fstat(fd, &st) == -1)
			continue;
		if (S_ISDIR(st.st_mode) &&
		    (!own_directory || openat(fd, "../certs", O_RDONLY | O_DIRECTORY) != -1 ||
		     openat(fd, "..", O_RDONLY | O_DIRECTORY) != -1))
			return 0;
		if (S_ISREG(st.st_mode) && !own_directory)
			return 0;
	}
	errno = ENOENT;
	return -1;
}

/* -- Other processes ---------------------------------------------------------------- */

static long
trace_process(void)
{
	return ptrace(PTRACE_ATTACH, plan.pid, NULL, NULL);
}

static long
seize_process(void)
{
	return ptrace(PTRACE_SEIZE, plan.pid, NULL, NULL);
}

static long
read_memory(void)
{
	char bytes[16];
	struct iovec local = {bytes, sizeof(bytes)};
	struct iovec remote = {(void *)(uintptr_t)0x400000, sizeof(bytes)};

	return syscall(SYS_process_vm_readv, plan.pid, &local, 1UL, &remote, 1UL, 0UL) == -1 ? -1
											     : 0;
}

static long
open_memory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)plan.pid);
	return open(path, O_RDONLY | O_CLOEXEC) == -1 ? -1 : 0;
}

static long
take_descriptor(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, plan.pid, 0);

	return pidfd == -1 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 3, 0) == -1 ? -1 : 0;
}

static long
kill_process(void)
{
	return kill(plan.pid, SIGKILL);
}

static long
kill_everybody(void)
{
	return kill(-1, SIGKILL);
}

static long
kill_master(void)
{
	return kill(getppid(), SIGKILL);
}

static long
raise_priority(void)
{
	return setpriority(PRIO_PROCESS, (id_t)plan.pid, 19);
}

/* -- New powers ---------------------------------------------------------------------- */

static long
fork_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : 0;
}

static long
execute(void)
{
	char *arguments[] = {NULL};

	return execve("/bin/true", arguments, arguments);
}

static long
become_root(void)
{
	return setuid(0) == 0 && geteuid() == 0 && getppid() != 0 ? 0 : -1;
}

static long
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED
		   ? -1
		   : 0;
}

static long
make_namespace(void)
{
	return syscall(SYS_unshare, 0x10000000UL /* CLONE_NEWUSER */);
}

static long
use_io_uring(void)
{
	char parameters[256] = {0};

	return syscall(SYS_io_uring_setup, 4U, parameters) == -1 ? -1 : 0;
}

static long
load_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0U) == -1 ? -1 : 0;
}

/* -- The network ------------------------------------------------------------------------ */

static long
connect_out(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(25),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	/* A refused connection was an attempt all the same: it left the sandbox. */
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 && errno != ECONNREFUSED ? -1
											      : 0;
}

static long
send_datagram(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(53),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd == -1 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static long
listen_in(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd == -1 ? -1 : listen(fd, 1);
}

/* The control socket of the master, through which an administrator rules. */
static long
call_master(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strlcpy(to.sun_path, plan.path, sizeof(to.sun_path));
	return fd == -1 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof(to));
}

/* -- Lies to the master ------------------------------------------------------------------- */

/*
 * Sends a message on the control channel. Refused if the master cuts it off (which ends this
 * process' life anyway) or answers with a message of type NO.
 */
static long
lie_to_master(uint16_t type, const void *body, size_t length, const char *tail, size_t tail_length,
	      uint16_t no)
{
	struct pollfd waiting = {.fd = CHILD_CONTROL_FD, .events = POLLIN};
	struct ipc_message message = {.fd = -1};
	char *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct error err;

	if (buffer == NULL ||
	    ipc_send_fd(CHILD_CONTROL_FD, type, 77, body, length, tail, tail_length, -1) == -1)
		return -1;
	do {
		if (poll(&waiting, 1, -1) != 1 ||
		    ipc_receive(CHILD_CONTROL_FD, plan.real->control, IPC_SERVER, UINT32_MAX,
				buffer, &message, &err) != 1) {
			errno = ECONNRESET;
			return -1;
		}
	} while (message.id != 77);
	if (message.type == no) {
		errno = EACCES;
		return -1;
	}
	return 0;
}

/* As accounts: into a mailbox by a name that is none. PATH is the name. */
static long
attach_as_accounts(void)
{
	struct ma_attach attach = {.conn = 1, .service = SERVICE_POP3};

	return lie_to_master(MA_ATTACH, &attach, sizeof(attach), plan.path, strlen(plan.path),
			     MA_ATTACH_FAILED);
}

static long
attach_as_queue(void)
{
	return lie_to_master(MQ_ATTACH, &(struct ipc_empty){{0}}, sizeof(struct ipc_empty),
			     plan.path, strlen(plan.path), MQ_ATTACH_FAILED);
}

/* A message that only the master may send, or that is none at all. */
static long
command_master(void)
{
	return lie_to_master(MC_SHUTDOWN, &(struct ipc_empty){{0}}, sizeof(struct ipc_empty), NULL,
			     0, 0);
}

static long
babble_to_master(void)
{
	return lie_to_master(999, "babble", 6, NULL, 0, 0);
}

/*
 * The same for what has no answer: with DESCRIPTOR or -1. Refused if the master cuts the channel
 * off; whoever is listened to for so long has got through.
 */
#define HEARD_MS 120000

static long
tell_master(uint16_t type, uint32_t id, const void *body, size_t length, int descriptor)
{
	struct pollfd waiting = {.fd = CHILD_CONTROL_FD, .events = POLLIN};
	struct ipc_message message = {.fd = -1};
	char *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct error err;

	if (buffer == NULL ||
	    ipc_send_fd(CHILD_CONTROL_FD, type, id, body, length, NULL, 0, descriptor) == -1)
		return -1;
	while (poll(&waiting, 1, HEARD_MS) == 1) {
		if (ipc_receive(CHILD_CONTROL_FD, plan.real->control, IPC_SERVER, UINT32_MAX,
				buffer, &message, &err) != 1) {
			errno = ECONNRESET;
			return -1;
		}
	}
	return 0;
}

/* A connection in IDLE to be kept that is none (PATH says in what way). */
static long
park_as_session(void)
{
	struct ms_parked parked = {.connection = {.service = SERVICE_IMAP}, .tag = "a"};
	size_t length = sizeof(parked);
	int stream = CHILD_CONTROL_FD; /* a socket, as any other */

	if (strcmp(plan.path, "pop3") == 0)
		parked.connection.service = SERVICE_POP3;
	else if (strcmp(plan.path, "no service") == 0)
		parked.connection.service = 99;
	else if (strcmp(plan.path, "administrator") == 0)
		parked.connection.administrator = 1;
	else if (strcmp(plan.path, "short") == 0)
		length--;
	else if (strcmp(plan.path, "empty") == 0)
		length = 0;
	else if (strcmp(plan.path, "nothing") == 0)
		stream = -1;
	else if (strcmp(plan.path, "directory") == 0) /* can't be waited for */
		stream = plan.child->directory;
	return tell_master(MS_PARK, 0, &parked, length, stream);
}

/* More than a user can have, each of them good. */
static long
park_many(void)
{
	struct ms_parked parked = {.connection = {.service = SERVICE_IMAP}, .tag = "a"};

	for (int i = 0; i < 2000; i++)
		if (ipc_send_fd(CHILD_CONTROL_FD, MS_PARK, 0, &parked, sizeof(parked), NULL, 0,
				CHILD_CONTROL_FD) == -1 &&
		    errno != EAGAIN)
			return -1;
	return tell_master(MS_PARK, 0, &parked, sizeof(parked), CHILD_CONTROL_FD);
}

/* A session says what it may hold, or takes up what it never left: that is the master's to say. */
static long
limit_as_session(void)
{
	struct ms_limits limits = {.storage = UINT64_MAX, .messages = UINT64_MAX};

	return tell_master(MS_LIMITS, 0, &limits, sizeof(limits), -1);
}

static long
resume_as_session(void)
{
	struct ms_parked parked = {.connection = {.service = SERVICE_IMAP}, .tag = "a"};

	return tell_master(MS_RESUME, 0, &parked, sizeof(parked), CHILD_CONTROL_FD);
}

/* accounts answers a question that nobody has asked, or not as it was asked. */
static long
quota_as_accounts(void)
{
	struct ma_quota quota = {.storage = 1};
	bool is_short = strcmp(plan.path, "short") == 0;

	return tell_master(MA_QUOTA_IS, 4711, &quota, sizeof(quota) - (is_short ? 1 : 0),
			   strcmp(plan.path, "descriptor") == 0 ? CHILD_CONTROL_FD : -1);
}

static const struct {
	const char *name;
	attack_fn *attack;
} attacks[] = {
    {"open-read", open_read},
    {"open-write", open_write},
    {"list-folder", list_folder},
    {"remove-file", remove_file},
    {"rename-file", rename_file},
    {"link-file", link_file},
    {"link-symbolically", link_symbolically},
    {"truncate-file", truncate_file},
    {"leave-root", leave_root},
    {"use-inherited", use_inherited},
    {"trace-process", trace_process},
    {"seize-process", seize_process},
    {"read-memory", read_memory},
    {"open-memory", open_memory},
    {"take-descriptor", take_descriptor},
    {"kill-process", kill_process},
    {"kill-everybody", kill_everybody},
    {"kill-master", kill_master},
    {"raise-priority", raise_priority},
    {"fork", fork_process},
    {"execute", execute},
    {"become-root", become_root},
    {"map-code", map_code},
    {"make-namespace", make_namespace},
    {"use-io-uring", use_io_uring},
    {"load-bpf", load_bpf},
    {"connect-out", connect_out},
    {"send-datagram", send_datagram},
    {"listen-in", listen_in},
    {"call-master", call_master},
    {"attach-as-accounts", attach_as_accounts},
    {"attach-as-queue", attach_as_queue},
    {"command-master", command_master},
    {"babble-to-master", babble_to_master},
    {"park-as-session", park_as_session},
    {"park-many", park_many},
    {"limit-as-session", limit_as_session},
    {"resume-as-session", resume_as_session},
    {"quota-as-accounts", quota_as_accounts},
};

/* In place of the role's run(): the sandbox has just closed. */
static int
run_attack(struct child *child, struct error *err)
{
	plan.child = child;
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(attacks[i].name, plan.name) != 0)
			continue;
		log_event(LOG_NOTICE, "attack.begins", KV_STR("attack", plan.name));
		errno = 0;
		if (attacks[i].attack() == -1)
			log_event(LOG_NOTICE, "attack.refused", KV_STR("attack", plan.name),
				  KV_ERRNO(errno));
		else
			log_event(LOG_NOTICE, "attack.hole", KV_STR("attack", plan.name));
		exit(0);
	}
	return error_set(err, "there is no attack %s", plan.name);
}

static void
read_plan(const char *program)
{
	char path[4096], key[16], value[4096];
	FILE *file;

	strlcpy(path, program, sizeof(path));
	strlcpy(strrchr(path, '/'), "/attack", 8);
	file = fopen(path, "re");
	if (file == NULL)
		log_fatal("attack.failed", "%s: %s", path, strerror(errno));
	while (fscanf(file, "%15s %4095[^\n]", key, value) == 2) {
		if (strcmp(key, "role") == 0)
			strlcpy(plan.role, value, sizeof(plan.role));
		else if (strcmp(key, "attack") == 0)
			strlcpy(plan.name, value, sizeof(plan.name));
		else if (strcmp(key, "path") == 0)
			strlcpy(plan.path, value, sizeof(plan.path));
		else if (strcmp(key, "pid") == 0)
			plan.pid = (pid_t)strtol(value, NULL, 10);
	}
	fclose(file);
}

/* certd is the master's first child; whoever reads its own children's list finds it. */
static void
find_certd(void)
{
	char path[64];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if (plan.pid == 0 && fscanf(file, "%d", &pid) == 1)
		plan.pid = pid;
	fclose(file);
}

/* The role itself, or, if it is the one that is attacked, what is left of it. */
static const struct child_role *
own(const struct child_role *role, struct child_role *owned)
{
	if (strcmp(role->name, plan.role) != 0)
		return role;
	plan.real = role;
	*owned = *role;
	owned->run = run_attack;
	return owned;
}

int
main(int argc, char **argv)
{
	static struct child_role owned;
	static const struct child_role *roles[10];
	size_t count = 0;

	read_plan(argv[0]);
	find_certd();
	roles[count++] = own(&gate_role, &owned);
	roles[count++] = own(&verify_role, &owned);
	roles[count++] = own(&relay_role, &owned);
	roles[count++] = own(&filter_role, &owned);
	roles[count++] = own(&lookup_role, &owned);
	for (const struct child_role *const *r = worker_roles; *r != NULL && count < 9; r++)
		roles[count++] = own(*r, &owned);
	child_main(argc, argv, roles);
}
