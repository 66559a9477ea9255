/* SPDX-License-Identifier: ISC */
#include "master/status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "master/master.h"
#include "master/roles.h"

#define DAY 86400

struct text {
	char *out;
	size_t size;
	size_t used;
};

static void add(struct text *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->out + t->used, t->size - t->used, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n < t->size - t->used) {
		t->used += n < 0 ? 0 : (size_t)n;
		return;
	}
	/* Only whole lines, and a mark that there are more. */
	if (t->size > 4) {
		if (t->used > t->size - 5)
			t->used = t->size - 5;
		memcpy(t->out + t->used, "...\n", 5);
	}
	t->used = t->size - 1;
}

static void
add_process(struct text *t, const struct process *p)
{
	add(t, "process %s pid=%d %s for=%" PRIu64 "s", p->name, p->pid,
	    process_phase_names[p->phase], process_age(p));
	if (p->role->role == ROLE_GATE && p->data != NULL)
		add(t, " connections=%u generation=%u", gate_connections(p),
		    gate_generation(p)->number);
	add(t, "\n");
}

static uint32_t
connections_of(const struct master *m, const struct bound *b)
{
	return admit_count(m->admit, b->group);
}

/* Days that are left, or, negative, since it has expired. */
static int64_t
days_of(const struct md_certificate *certificate)
{
	return (certificate->until - (int64_t)time(NULL)) / DAY;
}

static void
add_certificates(struct text *t, const struct master *m)
{
	const struct certs *certs = &m->certs;
	char listeners[PRESENTERS_SIZE];

	for (size_t i = 0; certs->candidates != NULL && i < certs->count; i++) {
		const struct md_certificate *told = &certs->list[i];
		int64_t days = days_of(told);

		conf_presenters(m->generation->conf, certs->candidates, certs->count, i, listeners,
				sizeof(listeners));
		add(t, "certificate %s days=%" PRId64 " listeners=%s%s\n", told->name, days,
		    listeners[0] == '\0' ? "-" : listeners,
		    told->step == EXPIRY_STEPS ? " EXPIRED: clients refuse it"
		    : told->step > 0           ? " expires soon: renew it"
					       : "");
	}
}

void
status_text(const struct master *m, char *out, size_t size)
{
	struct text t = {.out = out, .size = size};
	const struct generation *g = m->generation;
	char endpoint[ENDPOINT_TEXT_SIZE];
	const struct process *p;

	out[0] = '\0';
	add(&t, "%s generation=%u sessions=%zu configuration=%s\n", master_phase_names[m->phase],
	    g->number, m->sessions.count, g->conf->path);
	for (size_t i = 0; i < g->bound_count; i++) {
		const struct bound *b = &g->bound[i];

		add(&t, "listener %s %s tls=%s connections=%u/%u\n",
		    conf_services[b->conf->service], endpoint_text(&b->endpoint, endpoint),
		    conf_tls_modes[b->conf->tls], connections_of(m, b), b->conf->max_connections);
	}
	if (m->self_signed[0] != '\0')
		add(&t,
		    "certificate %s is self-signed, mail clients warn: get one from an authority "
		    "with posternctl cert request %s, then posternctl cert import FILE\n",
		    m->self_signed, m->self_signed);
	add_certificates(&t, m);
	for (p = processes_first(m); p != NULL; p = processes_next(p))
		add_process(&t, p);
}

void
status_log(const struct master *m)
{
	const struct generation *g = m->generation;
	char endpoint[ENDPOINT_TEXT_SIZE];
	const struct process *p;

	log_event(LOG_NOTICE, "status.master", KV_STR("phase", master_phase_names[m->phase]),
		  KV_U64("generation", g->number), KV_U64("sessions", m->sessions.count));
	for (size_t i = 0; i < g->bound_count; i++) {
		const struct bound *b = &g->bound[i];

		log_event(LOG_NOTICE, "status.listener",
			  KV_STR("service", conf_services[b->conf->service]),
			  KV_STR("address", endpoint_text(&b->endpoint, endpoint)),
			  KV_STR("tls", conf_tls_modes[b->conf->tls]),
			  KV_U64("connections", connections_of(m, b)));
	}
	for (size_t i = 0; i < m->certs.count; i++)
		log_event(LOG_NOTICE, "status.certificate", KV_STR("key", m->certs.list[i].name),
			  KV_I64("days", days_of(&m->certs.list[i])));
	for (p = processes_first(m); p != NULL; p = processes_next(p)) {
		log_event(
		    LOG_NOTICE, "status.process", KV_STR("child", p->name), KV_I64("pid", p->pid),
		    KV_STR("phase", process_phase_names[p->phase]), KV_U64("age_s", process_age(p)),
		    KV_U64("connections", p->role->role == ROLE_GATE ? gate_connections(p) : 0));
	}
}

const char *
status_line(const struct master *m, char *out, size_t size)
{
	snprintf(out, size, "%s: %zu listeners, %zu gates, %zu sessions",
		 master_phase_names[m->phase], m->generation->bound_count,
		 processes_count(m, ROLE_GATE), m->sessions.count);
	return out;
}
