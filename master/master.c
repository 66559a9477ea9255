/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "master/master.h"

#include <errno.h>
#include <libutil.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "master/control.h"
#include "master/notify.h"
#include "master/reload.h"
#include "master/renew.h"
#include "master/roles.h"
#include "master/sink.h"
#include "master/state.h"
#include "master/status.h"
#include "master/trust.h"
#include "master/watch.h"

const char *const master_phase_names[] = {
    [MASTER_STARTING] = "starting",
    [MASTER_RUNNING] = "running",
    [MASTER_STOPPING_GATES] = "stopping gates",
    [MASTER_STOPPING_QUEUE] = "stopping queue",
    [MASTER_STOPPING_RELAY] = "stopping relay",
    [MASTER_STOPPING_FILTER] = "stopping filter",
    [MASTER_STOPPING_SESSIONS] = "stopping sessions",
    [MASTER_STOPPING_ACCOUNTS] = "stopping accounts",
    [MASTER_STOPPING_VERIFY] = "stopping verify",
    [MASTER_STOPPING_CERTD] = "stopping certd",
    [MASTER_STOPPED] = "stopped",
};

uint32_t
master_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : (uint32_t)MIN(cores, 64);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	processes_reap(arg);
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	master_stop(arg);
}

static void
on_reload(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	reload_begin(arg);
}

static void
on_status(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	status_log(arg);
}

static int
catch_signals(struct master *m)
{
	static const struct {
		int signal;
		event_callback_fn handle;
	} caught[] = {{SIGCHLD, on_child},
		      {SIGTERM, on_stop},
		      {SIGINT, on_stop},
		      {SIGHUP, on_reload},
		      {SIGUSR1, on_status}};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		m->signals[i] = evsignal_new(m->base, caught[i].signal, caught[i].handle, m);
		if (m->signals[i] == NULL || event_add(m->signals[i], NULL) == -1)
			return -1;
	}
	return 0;
}

/* One descriptor a session, some a gate, and the children inherit the limit. */
static void
raise_limits(const struct configuration *conf)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < conf->limits.sessions + 512)
		log_event(LOG_WARNING, "limit.low", KV_U64("descriptors", limit.rlim_max),
			  KV_U64("wanted", conf->limits.sessions + 512),
			  KV_STR("why", "raise RLIMIT_NOFILE, or lower limits.sessions"));
}

/* One server a state folder. */
static int
lock_state(struct master *m, const char *state, struct error *err)
{
	char path[PATH_MAX];
	pid_t other = 0;

	snprintf(path, sizeof(path), "%s/postern.pid", state);
	m->pidfile = pidfile_open(path, 0600, &other);
	if (m->pidfile == NULL && errno == EEXIST)
		return error_set(err,
				 "a server with the state folder %s is running already, as "
				 "process %d",
				 state, other);
	if (m->pidfile == NULL || pidfile_write(m->pidfile) == -1)
		return error_errno(err, "%s", path);
	return 0;
}

/* Sockets of the init system that no listener wants. */
static void
drop_activated(struct activated *activated, size_t count)
{
	char text[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (activated[i].fd == -1)
			continue;
		log_event(LOG_WARNING, "socket.ignored",
			  KV_STR("address", endpoint_text(&activated[i].endpoint, text)),
			  KV_STR("why", "the init system passed it, but no listener is for it"));
		close(activated[i].fd);
	}
	free(activated);
}

/* Takes CONF. 0, or -1 with the problems logged. */
static int
bind_all(struct master *m, struct configuration *conf)
{
	struct conf_problems problems = {.count = 0};
	struct activated *activated;
	size_t count;

	activated = notify_sockets(&count);
	m->generation = generation_bind(conf, NULL, activated, count, &m->next_group, &problems);
	drop_activated(activated, count);
	conf_problems_log(&problems);
	conf_problems_free(&problems);
	if (m->generation == NULL)
		conf_free(conf);
	return m->generation == NULL ? -1 : 0;
}

static int
start_children(struct master *m, struct error *err)
{
	if (slot_init(&m->certd, m, &certd_master_role) == -1 ||
	    slot_init(&m->accounts, m, &accounts_master_role) == -1 ||
	    slot_init(&m->queue, m, &queue_master_role) == -1)
		return error_set(err, "out of memory");
	slot_fill(&m->certd);
	slot_fill(&m->accounts);
	slot_fill(&m->queue);
	if (verify_start(m) == -1 || relay_start(m, NULL) == -1 || filter_start(m) == -1)
		return error_set(err, "out of memory");
	return gates_start(m, err);
}

/* Warns of what makes the walls thinner than they could be. */
static void
log_start(const struct master *m)
{
	const struct configuration *conf = master_conf(m);

	log_event(LOG_NOTICE, "master.starting", KV_STR("version", PACKAGE_VERSION),
		  KV_STR("hostname", conf->hostname), KV_STR("configuration", conf->path),
		  KV_U64("listeners", m->generation->bound_count));
	if (geteuid() != 0)
		log_event(LOG_NOTICE, "master.unprivileged",
			  KV_STR("why", "not started as root: all processes have one uid, and no "
					"chroot"));
	if (conf->sandbox == SANDBOX_BEST_EFFORT)
		log_event(LOG_WARNING, "sandbox.best_effort",
			  KV_STR("why", "what this kernel lacks of the sandbox is left out"));
}

static int
start(struct master *m, struct configuration *conf, struct error *err)
{
	if (m->base == NULL || m->admit == NULL || reload_init(m) == -1 || catch_signals(m) == -1) {
		conf_free(conf);
		return error_set(err, "out of memory");
	}
	if (state_prepare(conf, &m->users, err) == -1 || lock_state(m, conf->state, err) == -1) {
		conf_free(conf);
		return -1;
	}
	if (bind_all(m, conf) == -1)
		return error_set(err, "not everything could be bound");
	if (control_open(m, err) == -1)
		return -1;
	log_start(m);
	watch_start(m);
	renew_start(m);
	notify_start_watchdog(m->base);
	return start_children(m, err);
}

int
master_start(struct master *m, const struct master_options *options, struct configuration *conf)
{
	struct conf_problems problems = {.count = 0};
	size_t errors;
	struct error err;

	memset(m, 0, sizeof(*m));
	m->options = *options;
	m->next_group = 1;
	RB_INIT(&m->processes);
	conf_find_users(conf, &m->users, &problems);
	conf_check_file(conf, &problems);
	if (problems.errors == 0)
		conf_check_certificates(conf, &m->users, &problems);
	conf_check_clients(conf, &m->users, &problems);
	conf_check_relay(conf, &problems);
	conf_problems_log(&problems);
	errors = problems.errors;
	conf_problems_free(&problems);
	if (errors > 0) {
		conf_free(conf);
		return -1;
	}
	raise_limits(conf);
	m->base = event_base_new();
	m->admit = admit_new();
	if (start(m, conf, &err) == 0)
		return 0;
	log_event(LOG_CRIT, "master.failed", KV_STR("why", err.text));
	return -1;
}

int
master_run(struct master *m)
{
	event_base_dispatch(m->base);
	log_event(LOG_NOTICE, "master.stopped", KV_I64("status", m->exit_status));
	return m->exit_status;
}

void
master_free(struct master *m)
{
	sessions_free(m);
	control_close(m);
	watch_stop(m);
	renew_stop(m);
	reload_free(m);
	notify_stop_watchdog();
	slot_close(&m->certd);
	slot_close(&m->accounts);
	slot_close(&m->queue);
	slot_close(&m->relay);
	slot_close(&m->filter);
	slot_close(&m->verify);
	trust_free_all(m);
	for (size_t i = 0; i < m->gate_slots; i++)
		slot_close(&m->gates[i]);
	for (size_t i = 0; i < sizeof(m->signals) / sizeof(m->signals[0]); i++) {
		if (m->signals[i] != NULL)
			event_free(m->signals[i]);
	}
	if (m->stop_timer != NULL)
		event_free(m->stop_timer);
	processes_free(m);
	generation_release(m->generation);
	admit_free(m->admit);
	certs_free(&m->certs);
	if (m->pidfile != NULL)
		pidfile_remove(m->pidfile);
	if (m->base != NULL)
		event_base_free(m->base);
}

bool
master_all_ready(const struct master *m)
{
	return slot_ready(&m->certd) && slot_ready(&m->accounts) && slot_ready(&m->queue) &&
	       verify_ready(m) && relay_ready(m) && filter_ready(m) && gates_ready(m);
}

void
master_child_ready(struct process *p)
{
	struct master *m = p->master;
	char line[128];

	if (master_all_ready(m) && m->phase == MASTER_STARTING) {
		m->phase = MASTER_RUNNING;
		notify_ready(status_line(m, line, sizeof(line)));
		log_event(LOG_NOTICE, "master.ready",
			  KV_U64("listeners", m->generation->bound_count),
			  KV_U64("gates", m->gate_slots));
	} else if (master_all_ready(m) && m->phase == MASTER_RUNNING) {
		notify_status(status_line(m, line, sizeof(line)));
	}
	reload_progress(m);
}

void
master_child_gone(struct master *m)
{
	master_stop_next(m);
}
