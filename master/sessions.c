/* SPDX-License-Identifier: ISC */
#include "master/sessions.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "master/mailboxes.h"
#include "master/master.h"
#include "master/parked.h"
#include "master/quota.h"
#include "master/roles.h"
#include "master/session_private.h"

#define EXIT_SECONDS 20   /* a session that said it has nothing to do has so long to exit */
#define START_SECONDS 30U /* a session has so long to become ready: its mailbox may be large */

static int
session_compare(const struct session *a, const struct session *b)
{
	return strcmp(a->name, b->name);
}

/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of a tree from which all is freed */
RB_GENERATE_INTERNAL(session_tree, session, entry, session_compare, static __attribute__((unused)))

static void
session_free(struct master *m, struct session *s)
{
	RB_REMOVE(session_tree, &m->sessions.tree, s);
	m->sessions.count--;
	event_free(s->start_timer);
	free(s);
}

static void
on_start_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (s->process == NULL || s->process->phase != PROCESS_STARTING)
		return;
	log_event(LOG_ERR, "session.overdue", KV_STR("mailbox", s->name),
		  KV_STR("why", "it did not become ready in time, and is killed"));
	process_kill(s->process);
}

static struct session *
session_new(struct master *m, const struct mailbox_name *parts)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->start_timer = evtimer_new(m->base, on_start_timeout, s);
	if (s->start_timer == NULL) {
		free(s);
		return NULL;
	}
	s->parts = *parts;
	s->directory = -1;
	snprintf(s->name, sizeof(s->name), "%s@%s", parts->local, parts->domain);
	STAILQ_INIT(&s->waiting);
	RB_INSERT(session_tree, &m->sessions.tree, s);
	m->sessions.count++;
	return s;
}

/* Starts the process. -1 with ERR filled. */
static int
session_start(struct master *m, struct session *s, struct error *err)
{
	struct timeval tv = {.tv_sec = START_SECONDS};
	char name[ADDRESS_SIZE + 16];
	uint32_t uid = UINT32_MAX;

	snprintf(name, sizeof(name), "session %s", s->name);
	s->sent = 0;
	s->parks = 0;
	s->was_ready = false;
	s->directory = mailbox_open(master_conf(m), &m->users, &s->parts, &uid, err);
	if (s->directory == -1)
		return -1;
	s->process = process_start(m, &session_master_role, s, name, uid, uid, err);
	close(s->directory);
	s->directory = -1;
	if (s->process == NULL)
		return -1;
	evtimer_add(s->start_timer, &tv);
	return 0;
}

static uint32_t
longest_idle(const struct configuration *conf)
{
	uint32_t longest = 600;

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->service == SERVICE_POP3 || l->service == SERVICE_IMAP)
			longest = MAX(longest, l->idle_timeout);
	}
	return longest;
}

static void
tell_tags(struct process *p, const char *name)
{
	struct ms_tags tags;

	tags.separator = (unsigned char)conf_tag_separator(master_conf(p->master), name);
	(void)ipc_send(p->control, MS_TAGS, 0, &tags, NULL, 0, -1);
}

void
sessions_tell_tags(struct master *m)
{
	struct session *s;

	RB_FOREACH (s, session_tree, &m->sessions.tree)
		if (s->process != NULL && process_alive(s->process))
			tell_tags(s->process, s->name);
}

static int
configure(struct process *p, struct error *err)
{
	const struct configuration *conf = master_conf(p->master);
	const struct session *s = p->owner;
	struct ms_settings settings = {
	    .linger = conf->session_linger,
	    .hibernate = conf->session_hibernate,
	    .idle_timeout = longest_idle(conf),
	    .command_seconds = conf->session_command_seconds,
	    .memory = conf->session_memory,
	};

	strlcpy(settings.mailbox, s->name, sizeof(settings.mailbox));
	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	if (ipc_send(p->control, MS_SETTINGS, 0, &settings, NULL, 0, s->directory) == -1)
		return error_set(err, "its session process died at once");
	tell_tags(p, s->name);
	quota_tell(p, s->name);
	return 0;
}

static void
ready(struct process *p)
{
	struct session *s = p->owner;
	struct attach *a;

	s->was_ready = true;
	evtimer_del(s->start_timer);
	session_resume_parked(p->master, s);
	while ((a = session_next_waiting(s)) != NULL) {
		session_hand_over(p->master, s, a);
		free(a);
	}
}

/* An honest process has no more connections than these, and parks each once before it ends. */
#define PARKS_MAX (10u * PARKED_A_MAILBOX)

static int
on_park(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct ms_parked *state = message->body;
	struct process *p = context;
	struct session *s = p->owner;
	int fd = ipc_take_fd(message);

	if (state->connection.service != SERVICE_IMAP || state->connection.administrator != 0 ||
	    s->parks >= PARKS_MAX) {
		close(fd);
		return -1;
	}
	switch (parked_add(p->master, s->name, state, fd)) {
	case PARKED_KEPT:
		s->parks++;
		return 0;
	case PARKED_FULL:
		(void)ipc_send(control, MS_RESUME, 0, state, NULL, 0, fd);
		s->sent++;
		close(fd);
		return 0;
	case PARKED_REFUSED:
		break;
	}
	close(fd);
	return -1;
}

static int
on_idle(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct ms_idle *idle = message->body;
	struct process *p = context;
	const struct session *s = p->owner;

	(void)control;
	if (idle->seen > s->sent)
		return -1;
	if (p->phase == PROCESS_RUNNING && idle->seen == s->sent)
		process_shutdown(p, EXIT_SECONDS);
	return 0;
}

/* Starts a successor for what came while the old process was on its way out. */
static void
succeed(struct master *m, struct session *s)
{
	struct error err = {.text = ""};

	if (m->phase >= MASTER_STOPPING_SESSIONS)
		error_set(&err, "the server is stopping");
	else if (session_start(m, s, &err) == 0)
		return;
	session_refuse_waiting(m, s, err.text);
	parked_drop(m, s->name);
	session_free(m, s);
}

static void
gone(struct process *p, int status)
{
	bool intended = p->phase == PROCESS_STOPPING && status == 0;
	struct master *m = p->master;
	struct session *s = p->owner;
	char text[PROCESS_STATUS_SIZE];

	process_status_text(status, text);
	log_event(intended ? LOG_DEBUG : LOG_ERR, intended ? "child.ended" : "child.died",
		  KV_STR("child", p->name), KV_I64("pid", p->pid), KV_STR("how", text));
	if (s != NULL) {
		evtimer_del(s->start_timer);
		s->process = NULL;
		/* What can't start now is not tried in a loop: those who are parked must come
		 * again. */
		if (!s->was_ready) {
			session_refuse_waiting(m, s, "its session process did not start");
			parked_drop(m, s->name);
		}
		if (s->waiting_count > 0 || parked_want(m, s->name))
			succeed(m, s);
		else
			session_free(m, s);
	}
	master_child_gone(m);
}

struct process *
sessions_find(struct master *m, const char *name)
{
	const struct session *s;
	struct session key;

	strlcpy(key.name, name, sizeof(key.name));
	s = RB_FIND(session_tree, &m->sessions.tree, &key);
	return s == NULL ? NULL : s->process;
}

void
sessions_tell_quota(struct master *m)
{
	struct session *s;

	RB_FOREACH (s, session_tree, &m->sessions.tree)
		if (s->process != NULL && process_alive(s->process))
			quota_tell(s->process, s->name);
}

/* Finds the session, or starts one. NULL with ERR filled. */
static struct session *
get_session(struct master *m, const struct mailbox_name *parts, struct error *err)
{
	struct session *s, key;

	snprintf(key.name, sizeof(key.name), "%s@%s", parts->local, parts->domain);
	s = RB_FIND(session_tree, &m->sessions.tree, &key);
	if (s != NULL)
		return s;
	if (m->phase >= MASTER_STOPPING_SESSIONS) {
		error_set(err, "the server is stopping");
		return NULL;
	}
	if (m->sessions.count >= master_conf(m)->limits.sessions) {
		error_set(err, "limits.sessions (%u) session processes are there already",
			  master_conf(m)->limits.sessions);
		return NULL;
	}
	s = session_new(m, parts);
	if (s == NULL) {
		error_set(err, "out of memory");
		return NULL;
	}
	if (session_start(m, s, err) == 0)
		return s;
	session_free(m, s);
	return NULL;
}

int
sessions_attach(struct master *m, const struct attach *a, const char *name, size_t length)
{
	struct mailbox_name parts;
	struct error err = {.text = ""};
	struct session *s;

	if (a->request == 0)
		return -1;
	if (!mailbox_name_parse(name, length, &parts)) {
		log_event(LOG_ERR, "session.refused", KV_MEM("mailbox", name, length),
			  KV_STR("why", "this is not the name of a mailbox"));
		return -1;
	}
	if (!conf_has_domain(master_conf(m), parts.domain)) {
		session_refuse(m, a, parts.domain, "its domain is not one of this server's");
		return 0;
	}
	s = get_session(m, &parts, &err);
	if (s == NULL) {
		char text[ADDRESS_SIZE];

		snprintf(text, sizeof(text), "%s@%s", parts.local, parts.domain);
		session_refuse(m, a, text, err.text);
		return 0;
	}
	if (s->process->phase == PROCESS_RUNNING && s->process->control != NULL) {
		session_resume_parked(m, s); /* they may want to hear of what this brings */
		session_hand_over(m, s, a);
	} else if (session_wait(s, a) == -1)
		session_refuse(m, a, s->name, "too many requests wait for its session process");
	return 0;
}

void
sessions_wake(struct master *m, const char *name)
{
	struct mailbox_name parts;
	struct error err = {.text = ""};
	struct session *s = NULL;

	if (mailbox_name_parse(name, strlen(name), &parts)) {
		if (conf_has_domain(master_conf(m), parts.domain))
			s = get_session(m, &parts, &err);
		else
			error_set(&err, "its domain is not one of this server's any more");
	}
	if (s == NULL) {
		log_event(LOG_ERR, "session.failed", KV_STR("mailbox", name),
			  KV_STR("why", err.text));
		parked_drop(m, name);
	} else if (s->process->phase == PROCESS_RUNNING) {
		session_resume_parked(m, s);
	}
	/* Else: when it is ready, or its successor is. */
}

void
sessions_free(struct master *m)
{
	struct session *s;

	parked_free(m);
	while ((s = RB_MIN(session_tree, &m->sessions.tree)) != NULL) {
		struct attach *a;

		while ((a = session_next_waiting(s)) != NULL)
			free(a);
		session_free(m, s);
	}
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {MS_IDLE, on_idle},
    {MS_PARK, on_park},
    {0, NULL},
};

const struct master_role session_master_role = {
    .role = ROLE_SESSION,
    .name = "session",
    .program = "postern-worker",
    .boundary = &master_session_boundary,
    .handlers = handlers,
    .configure = configure,
    .ready = ready,
    .gone = gone,
};
