/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/child.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#ifdef SANITIZED
/*
 * A sandboxed process can't run the leak check (it traces itself), and handshakes run on stacks
 * that AddressSanitizer doesn't know. Children have no environment to say so in.
 */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0:detect_stack_use_after_return=0:symbolize=0:abort_on_error=0";
}
#endif

static void
ignore_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGXFSZ};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
}

static void
receive_identity(struct mc_identity *identity)
{
	struct pollfd waiting = {.fd = CHILD_CONTROL_FD, .events = POLLIN};
	struct ipc_message message = {.fd = -1};
	char *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct error err = {.text = "the master is gone"};

	if (buffer == NULL)
		log_fatal("child.failed", "no memory");
	while (poll(&waiting, 1, -1) == -1 && errno == EINTR)
		;
	if (ipc_receive(CHILD_CONTROL_FD, &master_child_boundary, IPC_SERVER, CHILD_STARTING,
			buffer, &message, &err) != 1 ||
	    message.type != MC_IDENTITY)
		log_fatal("child.failed", "no identity on the control channel: %s", err.text);
	memcpy(identity, message.body, sizeof(*identity));
	identity->root[sizeof(identity->root) - 1] = '\0';
	free(buffer);
}

static void
change_root(const char *root)
{
	struct stat st;

	if (stat(root, &st) == -1)
		log_fatal("child.failed", "%s: %s", root, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0)
		log_fatal("child.failed",
			  "%s: must be a directory that root owns and only root writes", root);
	if (chroot(root) == -1 || chdir("/") == -1)
		log_fatal("child.failed", "chroot to %s: %s", root, strerror(errno));
}

/* Becomes the user for good, and makes sure of it. */
static void
become(const struct mc_identity *identity)
{
	struct rlimit locked = {RLIM_INFINITY, RLIM_INFINITY};
	gid_t gid = identity->gid;
	uid_t uid = identity->uid;

	if (uid == UINT32_MAX)
		return;
	if (uid == 0 || gid == 0)
		log_fatal("child.failed", "no child runs as root");
	/* certd locks its memory; the limit can be raised only here. */
	(void)setrlimit(RLIMIT_MEMLOCK, &locked);
	if (identity->chroot)
		change_root(identity->root);
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		log_fatal("child.failed", "becoming uid %u: %s", uid, strerror(errno));
	if (setuid(0) != -1 || seteuid(0) != -1)
		log_fatal("child.failed", "uid %u can become root again", uid);
}

static void
must(const struct child *child, int result, const struct error *err)
{
	if (result == -1)
		log_fatal("child.failed", "%s: %s", child->role->name, err->text);
}

static int
on_start(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;
	const struct child_role *role = child->role;
	enum sandbox_mode mode = (enum sandbox_mode)child->identity.sandbox;
	struct error err;

	(void)message;
	ipc_set_state(channel, CHILD_RUNNING);
	must(child, sandbox_close_files(role->rules, child->directory, mode, &err), &err);
	if (role->prepare != NULL)
		must(child, role->prepare(child, &err), &err);
	must(child, sandbox_close_syscalls(role->rules, mode, &err), &err);
	must(child, role->run(child, &err), &err);
	return 0;
}

static int
on_drain(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;

	(void)message;
	if (ipc_state(channel) == CHILD_DRAINING)
		return 0;
	ipc_set_state(channel, CHILD_DRAINING);
	child->role->drain(child);
	return 0;
}

static _Noreturn void
shut_down(struct child *child)
{
	if (child->role->shutdown != NULL)
		child->role->shutdown(child);
	exit(0);
}

static int
on_shutdown(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)message;
	shut_down(context);
}

static int
on_log(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct child *child = context;

	(void)channel;
	if (dup2(message->fd, STDERR_FILENO) == -1)
		return -1;
	if (child->role->log_changed != NULL)
		child->role->log_changed(child);
	return 0;
}

static void
on_control_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	shut_down(context);
}

static const struct ipc_handler common_handlers[] = {
    {MC_START, on_start},
    {MC_DRAIN, on_drain},
    {MC_SHUTDOWN, on_shutdown},
    {MC_LOG, on_log},
};
#define COMMON_COUNT (sizeof(common_handlers) / sizeof(common_handlers[0]))

/* The common handlers, then the role's, then the end. Lives as long as the process. */
static struct ipc_handler *
merge_handlers(const struct ipc_handler *own)
{
	struct ipc_handler *merged;
	size_t count = 0;

	while (own[count].handle != NULL)
		count++;
	merged = calloc(COMMON_COUNT + count + 1, sizeof(*merged));
	if (merged == NULL)
		log_fatal("child.failed", "no memory");
	memcpy(merged, common_handlers, sizeof(common_handlers));
	memcpy(merged + COMMON_COUNT, own, count * sizeof(*own));
	return merged;
}

static const struct child_role *
find_role(const struct child_role *const *roles, const char *name)
{
	for (; *roles != NULL; roles++) {
		if (strcmp((*roles)->name, name) == 0)
			return *roles;
	}
	return NULL;
}

/* Sets up what all roles share, from the process' arguments. */
static const struct child_role *
start_process(int argc, char **argv, const struct child_role *const *roles)
{
	const struct child_role *role;
	enum log_format format;

	if (argc != 3 || log_format_parse(argv[2], &format) == -1 ||
	    (role = find_role(roles, argv[1])) == NULL || fcntl(CHILD_CONTROL_FD, F_GETFD) == -1)
		log_fatal("child.failed", "this program is started by postern(8), not by hand");
	log_init(role->name, format);
	closefrom(CHILD_CONTROL_FD + 1);
	(void)fcntl(CHILD_CONTROL_FD, F_SETFD, FD_CLOEXEC);
	umask(077);
	ignore_signals();
	return role;
}

void
child_main(int argc, char **argv, const struct child_role *const *roles)
{
	static struct child child = {.directory = -1};
	struct error err;

	child.role = start_process(argc, argv, roles);
	receive_identity(&child.identity);
	log_set_level(child.identity.log_level);
	become(&child.identity);
	child.base = event_base_new();
	if (child.base == NULL || event_base_priority_init(child.base, CHILD_PRIORITIES) == -1)
		log_fatal("child.failed", "no event loop");
	must(&child, child.role->init(&child, &err), &err);
	child.control =
	    ipc_open(child.base, CHILD_CONTROL_FD, child.role->control, IPC_SERVER,
		     merge_handlers(child.role->handlers), on_control_ended, &child, "master");
	if (child.control == NULL)
		log_fatal("child.failed", "the control channel: %s", strerror(errno));
	ipc_set_state(child.control, CHILD_STARTING);
	event_base_dispatch(child.base);
	log_fatal("child.failed", "the event loop ended");
}

void
child_ready(struct child *child)
{
	(void)ipc_send(child->control, MC_READY, 0, NULL, NULL, 0, -1);
}

static void
on_missing(evutil_socket_t fd, short what, void *arg)
{
	const struct child *child = arg;

	(void)fd;
	(void)what;
	log_fatal("child.cut_off", "%s: %s has ended its channel, and no other has come",
		  child->role->name, child->missed);
}

void
child_misses(struct child *child, const char *what, unsigned seconds)
{
	struct timeval tv = {.tv_sec = (time_t)seconds};

	child->missed = what;
	if (child->missing == NULL)
		child->missing = evtimer_new(child->base, on_missing, child);
	if (child->missing == NULL || evtimer_add(child->missing, &tv) == -1)
		log_fatal("child.failed", "no memory");
}

void
child_has(struct child *child)
{
	if (child->missing != NULL)
		(void)evtimer_del(child->missing);
}

void
child_exit(struct child *child)
{
	(void)child;
	exit(0);
}
