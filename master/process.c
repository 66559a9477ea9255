/* SPDX-License-Identifier: ISC */
#include "master/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/monotonic.h"
#include "master/master.h"
#include "master/state.h"

#define SHUTDOWN_SECONDS 5 /* of who has had time to drain, or had nothing to do yet */

const char *const process_phase_names[] = {"starting", "running", "draining", "stopping", "killed"};

int process_compare(const struct process *, const struct process *);
int
process_compare(const struct process *a, const struct process *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_GENERATE(process_tree, process, by_pid, process_compare)

const char *
process_status_text(int status, char out[PROCESS_STATUS_SIZE])
{
	int sig = WTERMSIG(status);

	if (WIFSIGNALED(status) && sig == SIGSYS)
		snprintf(out, PROCESS_STATUS_SIZE,
			 "was killed for a system call that its sandbox forbids (SIGSYS)");
	else if (WIFSIGNALED(status))
		snprintf(out, PROCESS_STATUS_SIZE, "was killed by signal %d (%s)", sig,
			 strsignal(sig));
	else if (WEXITSTATUS(status) == 127)
		snprintf(out, PROCESS_STATUS_SIZE, "could not be executed (status 127)");
	else
		snprintf(out, PROCESS_STATUS_SIZE, "exited with status %d", WEXITSTATUS(status));
	return out;
}

bool
process_alive(const struct process *p)
{
	return p->control != NULL && p->phase < PROCESS_STOPPING;
}

uint64_t
process_age(const struct process *p)
{
	return (uint64_t)(monotonic_milliseconds() - p->started) / 1000;
}

void
process_kill(struct process *p)
{
	if (p->phase == PROCESS_KILLED)
		return;
	p->phase = PROCESS_KILLED;
	/* Not yet waited for, so the number can't be somebody else's. */
	kill(p->pid, SIGKILL);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;

	(void)fd;
	(void)what;
	if (p->phase == PROCESS_DRAINING) {
		log_event(LOG_NOTICE, "child.drained", KV_STR("child", p->name),
			  KV_I64("pid", p->pid),
			  KV_STR("why", "what is under way has had its time, and is cut off"));
		process_shutdown(p, SHUTDOWN_SECONDS);
		return;
	}
	log_event(LOG_ERR, "child.overdue", KV_STR("child", p->name), KV_I64("pid", p->pid),
		  KV_STR("why", "it did not exit in time, and is killed"));
	process_kill(p);
}

void
process_shutdown(struct process *p, unsigned seconds)
{
	struct timeval tv = {.tv_sec = (time_t)seconds};

	if (p->phase >= PROCESS_STOPPING)
		return;
	p->phase = PROCESS_STOPPING;
	if (p->control == NULL || ipc_send(p->control, MC_SHUTDOWN, 0, NULL, NULL, 0, -1) == -1)
		process_kill(p);
	else
		evtimer_add(p->deadline, &tv);
}

void
process_drain(struct process *p, unsigned seconds)
{
	struct timeval tv = {.tv_sec = (time_t)seconds};

	/* Before it runs it has no work to finish, and its sandbox may not be closed. */
	if (p->phase == PROCESS_STARTING) {
		process_shutdown(p, SHUTDOWN_SECONDS);
		return;
	}
	if (p->phase != PROCESS_RUNNING && p->phase != PROCESS_DRAINING)
		return;
	p->phase = PROCESS_DRAINING;
	if (p->control != NULL)
		(void)ipc_send(p->control, MC_DRAIN, 0, NULL, NULL, 0, -1);
	if (seconds > 0)
		evtimer_add(p->deadline, &tv);
}

/*
 * It is dying, or it broke the protocol and must. A process that has begun to exit keeps its
 * status: a signal comes too late for it.
 */
static void
on_control_ended(struct ipc_channel *channel, void *context)
{
	struct process *p = context;

	(void)channel;
	p->control = NULL;
	if (p->phase != PROCESS_STOPPING)
		process_kill(p);
}

int
process_on_ready(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct process *p = context;

	(void)channel;
	(void)message;
	if (p->phase != PROCESS_STARTING)
		return p->phase >= PROCESS_DRAINING ? 0 : -1;
	p->phase = PROCESS_RUNNING;
	log_event(LOG_DEBUG, "child.ready", KV_STR("child", p->name), KV_I64("pid", p->pid));
	if (p->role->ready != NULL)
		p->role->ready(p);
	return 0;
}

static void
process_free(struct process *p)
{
	ipc_close(p->control);
	if (p->deadline != NULL)
		event_free(p->deadline);
	free(p);
}

/* Forks and executes; fills p->pid and p->control. */
static int
spawn(struct process *p, uint32_t uid, uint32_t gid, struct error *err)
{
	const struct configuration *conf = master_conf(p->master);
	struct mc_identity identity = {
	    .uid = uid,
	    .gid = gid,
	    .sandbox = (uint8_t)conf->sandbox,
	    .chroot = p->role->chroot && uid != UINT32_MAX,
	    .log_level = (uint8_t)(p->master->options.debug ? LOG_DEBUG : conf->log_level),
	};
	char program[PATH_MAX];
	struct child_spec spec = {.program = program,
				  .role = p->role->name,
				  .identity = &identity,
				  .log_fd = STDERR_FILENO};
	int control;

	snprintf(program, sizeof(program), "%s/%s", p->master->options.libexec, p->role->program);
	state_path(conf, STATE_EMPTY, identity.root);
	p->pid = child_spawn(&spec, &control, err);
	if (p->pid == -1)
		return -1;
	p->started = monotonic_milliseconds();
	p->control = ipc_open(p->master->base, control, p->role->boundary, IPC_CLIENT,
			      p->role->handlers, on_control_ended, p, p->name);
	return p->control != NULL ? 0 : error_errno(err, "the control channel of %s", p->name);
}

/* The child exists but can't be used: it ends, and is buried like any other. */
static void
abandon(struct process *p)
{
	p->owner = NULL;
	ipc_close(p->control);
	p->control = NULL;
	process_kill(p);
}

struct process *
process_start(struct master *m, const struct master_role *role, void *owner, const char *name,
	      uint32_t uid, uint32_t gid, struct error *err)
{
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		error_errno(err, "starting %s", name);
		return NULL;
	}
	p->master = m;
	p->role = role;
	p->owner = owner;
	p->pid = -1;
	p->number = ++m->next_number[role->role];
	snprintf(p->name, sizeof(p->name), role->role == ROLE_GATE ? "%s %u" : "%s", name,
		 p->number);
	p->deadline = evtimer_new(m->base, on_deadline, p);
	if (p->deadline == NULL || spawn(p, uid, gid, err) == -1) {
		if (p->deadline == NULL)
			error_set(err, "out of memory");
		if (p->pid == -1) {
			process_free(p);
			return NULL;
		}
	}
	RB_INSERT(process_tree, &m->processes, p);
	if (p->control == NULL || role->configure(p, err) == -1) {
		abandon(p);
		return NULL;
	}
	process_wire(p);
	if (ipc_send(p->control, MC_START, 0, NULL, NULL, 0, -1) == -1) {
		error_set(err, "%s is gone already", p->name);
		abandon(p);
		return NULL;
	}
	log_event(LOG_DEBUG, "child.started", KV_STR("child", p->name), KV_I64("pid", p->pid));
	return p;
}

static void
bury(struct master *m, struct process *p, int status)
{
	RB_REMOVE(process_tree, &m->processes, p);
	/* What it said last may still be in the channel, but it is nobody's word any more. */
	ipc_close(p->control);
	p->control = NULL;
	p->role->gone(p, status);
	process_free(p);
}

void
processes_reap(struct master *m)
{
	struct process key, *p;
	int status;

	while ((key.pid = waitpid(-1, &status, WNOHANG)) > 0) {
		p = RB_FIND(process_tree, &m->processes, &key);
		if (p != NULL)
			bury(m, p, status);
	}
}

struct process *
processes_first(const struct master *m)
{
	/* sys/tree.h knows no const heads. */
	return RB_MIN(process_tree, (struct process_tree *)(uintptr_t)&m->processes);
}

struct process *
processes_next(const struct process *p)
{
	return RB_NEXT(process_tree, NULL, (struct process *)(uintptr_t)p);
}

void
processes_free(struct master *m)
{
	struct process *p;

	while ((p = RB_MIN(process_tree, &m->processes)) != NULL) {
		RB_REMOVE(process_tree, &m->processes, p);
		process_free(p);
	}
}

size_t
processes_count(const struct master *m, enum role role)
{
	struct process *p;
	size_t count = 0;

	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		if (p->role->role == role)
			count++;
	}
	return count;
}

void
processes_drain(struct master *m, enum role role, unsigned seconds)
{
	struct process *p;

	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		if (p->role->role == role)
			process_drain(p, seconds);
	}
}

void
processes_shutdown(struct master *m, enum role role, unsigned seconds)
{
	struct process *p;

	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		if (p->role->role == role)
			process_shutdown(p, seconds);
	}
}

void
processes_reopen_log(struct master *m)
{
	struct process *p;

	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		if (p->control != NULL)
			(void)ipc_send(p->control, MC_LOG, 0, NULL, NULL, 0, STDERR_FILENO);
	}
}
