/* SPDX-License-Identifier: ISC */
/* accounts, as the master sees it: it hands over accounts.conf, and carries its logins on. */
#include "common/proto/master_accounts.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/control.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/roles.h"
#include "master/srs_file.h"
#include "master/trust.h"
#include "master/trusted_file.h"

/* Forwarding goes on without: bounces then go past us. Somebody has to look. */
static void
send_srs(struct process *p)
{
	const struct configuration *conf = master_conf(p->master);
	struct ma_srs srs = {.forwards = conf->addresses.forward && conf->relay.wanted};
	struct error err;

	strlcpy(srs.domain, conf->addresses.srs_domain, sizeof(srs.domain));
	if (conf->addresses.srs && srs_file_read(conf->state, &srs, &err) == -1)
		log_event(LOG_ERR, "accounts.srs", KV_STR("why", err.text),
			  KV_STR("so", "the senders of forwarded mail are not rewritten"));
	(void)ipc_send(p->control, MA_SRS, 0, &srs, NULL, 0, -1);
	explicit_bzero(&srs, sizeof(srs));
}

static void
send_domains(struct process *p)
{
	const struct configuration *conf = master_conf(p->master);

	for (size_t i = 0; i < conf->addresses.domain_count; i++) {
		const struct conf_address_domain *from = &conf->addresses.domains[i];
		struct ma_domain domain = {.separator = (unsigned char)from->separator[0],
					   .forward = from->forward ? 1 : 0};

		strlcpy(domain.name, from->name, sizeof(domain.name));
		(void)ipc_send(p->control, MA_DOMAIN, 0, &domain, NULL, 0, -1);
	}
}

static void
send_inbound(struct process *p)
{
	const struct conf_relay *relay = &master_conf(p->master)->relay;

	for (size_t i = 0; relay->wanted && i < relay->route_count; i++) {
		struct ma_inbound inbound = {.name = ""};

		if (!relay->routes[i].inbound)
			continue;
		strlcpy(inbound.name, relay->routes[i].domain, sizeof(inbound.name));
		(void)ipc_send(p->control, MA_INBOUND, 0, &inbound, NULL, 0, -1);
	}
}

static void
send_settings(struct process *p)
{
	const struct configuration *conf = master_conf(p->master);
	char domains[ACCOUNTS_DOMAINS_MAX];
	struct ma_settings settings = {.threads = conf->limits.login_threads,
				       .separator = (unsigned char)conf->addresses.separator[0],
				       .any_sender = conf->sender_check == SENDER_CHECK_OFF};
	size_t used = 0;

	if (settings.threads == 0)
		settings.threads = master_cores();
	strlcpy(settings.hostname, conf->hostname, sizeof(settings.hostname));
	/* The reader of the configuration saw to it that they all fit. */
	for (size_t i = 0; i < conf->domain_count; i++) {
		size_t size = strlen(conf->domains[i]) + 1;

		if (size > sizeof(domains) - used)
			break;
		memcpy(domains + used, conf->domains[i], size);
		used += size;
		settings.count++;
	}
	send_srs(p);
	send_inbound(p);
	(void)ipc_send(p->control, MA_SETTINGS, 0, &settings, domains, used, -1);
	send_domains(p);
}

/* It may hold password hashes, and it says who may log in. The file for reading, or -1 with ERR. */
static int
open_file(const char *path, struct error *err)
{
	struct stat st;
	int fd = trusted_file_open(path, TRUST_NOBODY_ELSE, err);

	if (fd == -1) {
		error_prefix(err, "accounts file");
		return -1;
	}
	if (fstat(fd, &st) == 0 && (st.st_mode & 04) != 0)
		log_event(LOG_WARNING, "accounts.readable", KV_STR("file", path),
			  KV_STR("why", "everybody can read the password hashes: chmod 0600"));
	return fd;
}

static uint32_t
send_file(struct process *p, struct error *err)
{
	struct master *m = p->master;
	int fd = open_file(master_conf(m)->accounts, err);
	struct ma_file file = {.generation = m->accounts_generation + 1};

	if (fd == -1)
		return 0;
	m->accounts_generation++;
	(void)ipc_send(p->control, MA_FILE, 0, &file, NULL, 0, fd);
	close(fd);
	return file.generation;
}

static void
log_missing(const struct master *m, const struct error *err)
{
	log_event(LOG_ERR, "accounts.unusable", KV_STR("file", master_conf(m)->accounts),
		  KV_STR("why", err->text),
		  KV_STR("so", "no new accounts; it is read as soon as that is mended"));
}

static int
configure(struct process *p, struct error *err)
{
	struct error why = {.text = ""};

	(void)err;
	send_settings(p);
	if (send_file(p, &why) == 0)
		log_missing(p->master, &why);
	return 0;
}

static void
give_channel(struct process *p, const struct process *peer, int fd)
{
	struct mc_channel channel = {.peer_role = peer->role->role, .peer = peer->number};

	uint32_t trusts[TRUSTS_MAX];
	size_t count = 0;

	if (peer->role->role == ROLE_GATE)
		count = trust_list(p->master, gate_generation(peer)->conf, trusts);
	(void)ipc_send(p->control, MA_CHANNEL, 0, &channel, (const char *)trusts,
		       count * sizeof(trusts[0]), fd);
}

uint32_t
accounts_send_file(struct master *m, struct error *err)
{
	struct process *p = m->accounts.process;
	struct error why = {.text = ""};
	uint32_t generation;

	if (p == NULL || !process_alive(p) || p->phase == PROCESS_DRAINING) {
		error_set(err, "accounts is being restarted: it will read the file then");
		return 0;
	}
	generation = send_file(p, &why);
	if (generation == 0) {
		log_missing(m, &why);
		*err = why;
	}
	return generation;
}

void
accounts_send_settings(struct master *m)
{
	if (m->accounts.process != NULL && process_alive(m->accounts.process))
		send_settings(m->accounts.process);
}

static int
on_loaded(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct ma_loaded *loaded = message->body;
	struct process *p = context;

	(void)control;
	if (loaded->generation == 0 || loaded->generation > p->master->accounts_generation)
		return -1;
	control_accounts_loaded(p->master, loaded, message->tail);
	if (loaded->ok == 1)
		sessions_tell_quota(p->master);
	return 0;
}

static int
on_attach(struct ipc_channel *control, struct ipc_message *message, void *context)
{
	const struct ma_attach *asked = message->body;
	struct process *p = context;
	struct attach attach = {
	    .kind = ATTACH_CONNECTION,
	    .asker = p->number,
	    .request = message->id,
	    .connection = {.conn = asked->conn, .peer = asked->peer, .service = asked->service},
	};

	(void)control;
	if (asked->service != SERVICE_POP3 && asked->service != SERVICE_IMAP)
		return -1;
	return sessions_attach(p->master, &attach, message->tail, message->tail_length);
}

static const struct ipc_handler handlers[] = {
    {MC_READY, process_on_ready},
    {MA_LOADED, on_loaded},
    {MA_ATTACH, on_attach},
    {0, NULL},
};

const struct master_role accounts_master_role = {
    .role = ROLE_ACCOUNTS,
    .name = "accounts",
    .program = "postern-worker",
    .boundary = &master_accounts_boundary,
    .handlers = handlers,
    .configure = configure,
    .give_channel = give_channel,
    .ready = master_child_ready,
    .gone = slot_gone,
};
