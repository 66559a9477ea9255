/* SPDX-License-Identifier: ISC */
#include "master/reload.h"

#include <stdlib.h>
#include <string.h>

#include "master/control.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/renew.h"
#include "master/roles.h"
#include "master/sink.h"
#include "master/status.h"
#include "master/watch.h"

#define READY_SECONDS 30 /* after that whoever waits is told, and the wait goes on */
#define QUEUE_SECONDS 25 /* for what it is delivering; what comes meanwhile is taken, and waits */

struct reload {
	bool wanted;  /* asked for while the server was starting */
	bool pending; /* in force, but its gates are not all ready */
	struct event *timeout;
	char warnings[CTL_TEXT_MAX / 2]; /* of the one that is pending: a line each */
};

static void
tell(struct master *m, bool ok, const char *text)
{
	char line[128];

	notify_ready(status_line(m, line, sizeof(line)));
	control_reloaded(m, ok, text);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	(void)fd;
	(void)what;
	log_event(LOG_ERR, "reload.slow",
		  KV_STR("why", "the new gates are not ready yet: the old ones serve until then"));
	tell(m, false, "the new gates are not ready yet; the log says why");
}

int
reload_init(struct master *m)
{
	m->reload = calloc(1, sizeof(*m->reload));
	if (m->reload == NULL)
		return -1;
	m->reload->timeout = evtimer_new(m->base, on_timeout, m);
	return m->reload->timeout == NULL ? -1 : 0;
}

void
reload_free(struct master *m)
{
	if (m->reload == NULL)
		return;
	if (m->reload->timeout != NULL)
		event_free(m->reload->timeout);
	free(m->reload);
	m->reload = NULL;
}

/* Who is not wanted has no user. */
static bool
users_same(const struct conf_users *new, const struct conf_users *old)
{
	for (size_t role = 0; role < ROLE_COUNT; role++) {
		if ((role == ROLE_VERIFY || role == ROLE_RELAY || role == ROLE_FILTER) &&
		    (new->uid[role] == UINT32_MAX || old->uid[role] == UINT32_MAX))
			continue;
		if (new->uid[role] != old->uid[role] || new->gid[role] != old->gid[role])
			return false;
	}
	return true;
}

/* What is handed to children once, when they start, can't change under them. */
static void
check_unchanged(const struct master *m, const struct configuration *new,
		const struct conf_users *users, struct conf_problems *problems)
{
	const struct configuration *old = master_conf(m);
	struct conf_where file = {.file = new->path};
	const struct {
		const char *key;
		bool same;
	} keys[] = {
	    {"state", strcmp(old->state, new->state) == 0},
	    {"certs", strcmp(old->certs, new->certs) == 0},
	    {"users", users_same(users, &m->users)},
	    {"sandbox", old->sandbox == new->sandbox},
	    {"log", old->log == new->log},
	    {"limits.login_threads", old->limits.login_threads == new->limits.login_threads},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!keys[i].same)
			conf_problem(problems, file,
				     "%s has changed: that needs a restart, not a reload",
				     keys[i].key);
	}
}

/* The new generation, or NULL with the problems told. */
static struct generation *
prepare(struct master *m, struct conf_users *users, struct conf_problems *problems)
{
	struct configuration *conf = conf_load(m->options.conf, problems);
	struct generation *new = NULL;

	if (conf == NULL)
		return NULL;
	conf_find_users(conf, users, problems);
	conf_check_file(conf, problems);
	conf_check_certificates(conf, users, problems);
	conf_check_clients(conf, users, problems);
	conf_check_relay(conf, problems);
	if (problems->errors == 0)
		check_unchanged(m, conf, users, problems);
	if (problems->errors == 0)
		new = generation_bind(conf, m->generation, NULL, 0, &m->next_group, problems);
	if (new == NULL)
		conf_free(conf);
	return new;
}

/* The problems as one text for posternctl. */
static void
write_problems(const struct conf_problems *problems, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	text[0] = '\0';
	if (out != NULL) {
		conf_problems_print(problems, out);
		fclose(out);
	}
	text[size - 1] = '\0';
}

static void
refuse(struct master *m, const struct conf_problems *problems)
{
	char text[CTL_TEXT_MAX];

	write_problems(problems, text, sizeof(text));
	log_event(LOG_ERR, "reload.refused", KV_U64("errors", problems->errors),
		  KV_STR("so", "the old configuration stays in force"));
	tell(m, false, text);
}

static void
put_in_force(struct master *m, struct generation *new, const struct conf_users *users)
{
	struct timeval tv = {.tv_sec = READY_SECONDS};
	struct generation *old = m->generation;
	struct error err = {.text = ""};

	m->generation = new;
	if (m->verify.master == NULL) {
		m->users.uid[ROLE_VERIFY] = users->uid[ROLE_VERIFY];
		m->users.gid[ROLE_VERIFY] = users->gid[ROLE_VERIFY];
	}
	if (!m->relay.wanted) {
		m->users.uid[ROLE_RELAY] = users->uid[ROLE_RELAY];
		m->users.gid[ROLE_RELAY] = users->gid[ROLE_RELAY];
	}
	if (m->filter.master == NULL) {
		m->users.uid[ROLE_FILTER] = users->uid[ROLE_FILTER];
		m->users.gid[ROLE_FILTER] = users->gid[ROLE_FILTER];
	}
	if (!m->options.debug)
		log_set_level((int)new->conf->log_level);
	/* First, for the new gates may name certificates that it has not read. */
	certd_reload(m);
	/* Before the files are sent: one that changes meanwhile is sent again. */
	watch_start(m);
	accounts_send_settings(m);
	sessions_tell_tags(m);
	(void)accounts_send_file(m, &err);
	if (verify_start(m) == -1)
		log_event(LOG_ERR, "reload.verify", KV_STR("why", "out of memory"));
	if (relay_start(m, old->conf) == -1)
		log_event(LOG_ERR, "reload.relay", KV_STR("why", "out of memory"));
	if (filter_start(m) == -1)
		log_event(LOG_ERR, "reload.filter", KV_STR("why", "out of memory"));
	renew_start(m);
	if (queue_settings_differ(new->conf, old->conf))
		slot_renew(&m->queue, QUEUE_SECONDS);
	m->reload->pending = true;
	evtimer_add(m->reload->timeout, &tv);
	if (gates_start(m, &err) == -1)
		log_event(LOG_ERR, "reload.gates", KV_STR("why", err.text));
	generation_close(old);
	generation_release(old);
}

void
reload_begin(struct master *m)
{
	struct conf_problems problems = {.count = 0};
	struct conf_users users;
	struct generation *new;
	struct error err;

	if (m->phase == MASTER_STARTING) {
		m->reload->wanted = true;
		return;
	}
	if (m->phase != MASTER_RUNNING) {
		control_reloaded(m, false, "the server is stopping");
		return;
	}
	notify_reloading();
	if (log_get_format() == LOG_FORMAT_SYSLOG) {
		if (sink_open(LOG_FORMAT_SYSLOG, &err) == 0)
			processes_reopen_log(m);
	}
	new = prepare(m, &users, &problems);
	conf_problems_log(&problems);
	if (new == NULL) {
		refuse(m, &problems);
	} else {
		write_problems(&problems, m->reload->warnings, sizeof(m->reload->warnings));
		put_in_force(m, new, &users);
	}
	conf_problems_free(&problems);
}

void
reload_progress(struct master *m)
{
	struct reload *r = m->reload;
	char text[CTL_TEXT_MAX];

	if (r->pending && master_all_ready(m)) {
		r->pending = false;
		evtimer_del(r->timeout);
		gates_drain_old(m);
		log_event(LOG_NOTICE, "reload.done", KV_U64("generation", m->generation->number),
			  KV_U64("listeners", m->generation->bound_count));
		snprintf(text, sizeof(text), "%sthe new configuration is in force (generation %u)",
			 r->warnings, m->generation->number);
		tell(m, true, text);
	}
	if (r->wanted && m->phase == MASTER_RUNNING) {
		r->wanted = false;
		reload_begin(m);
	}
}
