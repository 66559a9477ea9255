/* SPDX-License-Identifier: ISC */
#include "master/conf_keys.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/accounts_file.h"
#include "common/cert_name.h"
#include "common/idn.h"
#include "common/proto/master_accounts.h"
#include "common/sandbox.h"
#include "master/names.h"

#define CONF_DOMAINS_MAX 1024

/* By enum sandbox_mode. */
static const char *const sandbox_modes[] = {"required", "best-effort", NULL};
/* By enum conf_log. */
static const char *const log_targets[] = {"auto", "stderr", "syslog", "journal", NULL};
/* By syslog(3)'s levels. */
static const char *const log_levels[] = {"emerg",  "alert", "crit",  "error", "warning",
					 "notice", "info",  "debug", NULL};

const char *
conf_parse_name(const char *text, char out[HOST_NAME_SIZE], struct error *err)
{
	char ascii[HOST_NAME_SIZE];

	return idn_to_ascii(text, ascii, err) == -1 ? err->text : domain_name_parse(ascii, out);
}

void
conf_read_domain(struct conf_reader *r, const config_setting_t *setting, const char *text,
		 char out[HOST_NAME_SIZE])
{
	struct error err;
	const char *problem = conf_parse_name(text, out, &err);

	if (problem == NULL)
		return;
	out[0] = '\0';
	conf_bad(r, setting, "\"%.255s\" is not a domain name: %s", text, problem);
}

static void
set_hostname(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;
	const char *text = config_setting_get_string(setting);

	conf->hostname_where = conf_where(r, setting);
	if (text == NULL)
		conf_bad(r, setting, "must be a string");
	else
		conf_read_domain(r, setting, text, conf->hostname);
}

static void
add_domain(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct configuration *conf = target;
	char domain[HOST_NAME_SIZE];

	conf_read_domain(r, setting, text, domain);
	if (domain[0] == '\0')
		return;
	if (conf_has_domain(conf, domain)) {
		conf_bad(r, setting, "names %s twice", domain);
		return;
	}
	if (conf->domain_count == CONF_DOMAINS_MAX) {
		conf_bad(r, setting, "has more than %d domains", CONF_DOMAINS_MAX);
		return;
	}
	conf->domains[conf->domain_count] = strdup(domain);
	if (conf->domains[conf->domain_count] != NULL)
		conf->domain_count++;
	else
		conf_bad(r, setting, "cannot be kept: out of memory");
}

static void
set_domains(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;
	size_t bytes = 0;

	conf->domains = calloc(CONF_DOMAINS_MAX, sizeof(*conf->domains));
	if (conf->domains == NULL) {
		conf_bad(r, setting, "cannot be kept: out of memory");
		return;
	}
	conf_strings(r, setting, "a domain name", add_domain, conf);
	for (size_t i = 0; i < conf->domain_count; i++)
		bytes += strlen(conf->domains[i]) + 1;
	if (bytes > ACCOUNTS_DOMAINS_MAX)
		conf_bad(r, setting, "has more than %d bytes of names", ACCOUNTS_DOMAINS_MAX);
}

static void
add_certificate(struct conf_reader *r, const config_setting_t *setting, const char *name,
		void *target)
{
	struct conf_names *names = target;

	if (!cert_name_valid(name)) {
		conf_bad(r, setting, "must be the name of a certificate: " CERT_NAME_RULE);
		return;
	}
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->name[i], name) == 0) {
			conf_bad(r, setting, "names \"%s\" twice", name);
			return;
		}
	}
	if (names->count == LISTENER_CERTIFICATES_MAX)
		conf_bad(r, setting, "has more than %d names", LISTENER_CERTIFICATES_MAX);
	else
		strlcpy(names->name[names->count++], name, CERT_NAME_SIZE);
}

void
conf_set_certificates(struct conf_reader *r, const config_setting_t *setting,
		      struct conf_names *names, struct conf_where *where)
{
	*where = conf_where(r, setting);
	names->count = 0;
	conf_strings(r, setting, "the name of a certificate", add_certificate, names);
}

static void
set_certificate(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;

	conf_set_certificates(r, setting, &conf->certificates, &conf->certificate_where);
}

static const struct {
	const char *name;
	enum role role;
	const char *fallback;
} users[] = {
    {"certd", ROLE_CERTD, "postern-certd"},          {"gate", ROLE_GATE, "postern-gate"},
    {"accounts", ROLE_ACCOUNTS, "postern-accounts"}, {"queue", ROLE_QUEUE, "postern-queue"},
    {"relay", ROLE_RELAY, "postern-relay"},          {"verify", ROLE_VERIFY, "postern-verify"},
    {"filter", ROLE_FILTER, "postern-filter"},
};

/* A user is a name or a number. */
static void
set_user(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;
	const char *name = config_setting_get_string(setting);
	int type = config_setting_type(setting);
	long long uid = config_setting_get_int64(setting);
	char number[CONF_USER_SIZE];

	if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
		snprintf(number, sizeof(number), "%lld", uid);
		name = uid > 0 && uid < UINT32_MAX ? number : NULL;
	}
	if (name == NULL || name[0] == '\0' || strlen(name) >= CONF_USER_SIZE) {
		conf_bad(r, setting, "must be a user's name, or a number greater than 0");
		return;
	}
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		if (strcmp(users[i].name, config_setting_name(setting)) != 0)
			continue;
		strlcpy(conf->users[users[i].role], name, CONF_USER_SIZE);
		conf->users_where[users[i].role] = conf_where(r, setting);
	}
}

static const struct conf_key user_keys[] = {
    {.name = "certd", .kind = CONF_OTHER, .set = set_user},
    {.name = "gate", .kind = CONF_OTHER, .set = set_user},
    {.name = "accounts", .kind = CONF_OTHER, .set = set_user},
    {.name = "queue", .kind = CONF_OTHER, .set = set_user},
    {.name = "relay", .kind = CONF_OTHER, .set = set_user},
    {.name = "verify", .kind = CONF_OTHER, .set = set_user},
    {.name = "filter", .kind = CONF_OTHER, .set = set_user},
    {0},
};

#define OFFSET(member) offsetof(struct configuration, member)
#define NUMBER(key, member, low, high, default_value, unit_text)                            \
	{                                                                                   \
		.name = (key), .kind = CONF_NUMBER, .offset = OFFSET(member), .min = (low), \
		.max = (high), .fallback = (default_value), .unit = (unit_text)             \
	}
#define CHOICE(key, member, words, default_value)                                                 \
	{                                                                                         \
		.name = (key), .kind = CONF_CHOICE, .offset = OFFSET(member), .choices = (words), \
		.fallback = (default_value)                                                       \
	}
#define TEXT(key, member, high)                                                       \
	{                                                                             \
		.name = (key), .kind = CONF_TEXT, .offset = OFFSET(member), .min = 0, \
		.max = (high)                                                         \
	}
#define PATH(key, member)                                                  \
	{                                                                  \
		.name = (key), .kind = CONF_PATH, .offset = OFFSET(member) \
	}
#define GROUP(key, table)                                          \
	{                                                          \
		.name = (key), .kind = CONF_GROUP, .keys = (table) \
	}
#define OTHER(key, function)                                         \
	{                                                            \
		.name = (key), .kind = CONF_OTHER, .set = (function) \
	}

static const struct conf_key uid_keys[] = {
    /* The part of the number space that nothing else uses: systemd's UIDS-GIDS.md. */
    NUMBER("first", mailbox_first, 1000, INT32_MAX, 1879048192, NULL),
    NUMBER("last", mailbox_last, 1000, INT32_MAX, INT32_MAX, NULL),
    {0},
};

static const struct conf_key uid_group = GROUP("mailbox_uids", uid_keys);

static void
set_uids(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	((struct configuration *)target)->mailbox_where = conf_where(r, setting);
	conf_set(r, &uid_group, setting, target);
}

static const struct conf_key limit_keys[] = {
    NUMBER("sessions", limits.sessions, 1, 100000, 2000, "processes"),
    NUMBER("message_size", limits.message_size, 65536, INT32_MAX, 52428800, "bytes"),
    /* RFC 5321 4.5.3.1.8: at least 100. */
    NUMBER("recipients", limits.recipients, 100, 100000, 1000, "recipients"),
    NUMBER("errors", limits.errors, 1, 1000, 10, "bad commands"),
    NUMBER("handshake_timeout", limits.handshake_timeout, 1, 600, 30, "seconds"),
    NUMBER("command_timeout", limits.command_timeout, 1, 3600, 60, "seconds"),
    NUMBER("drain_timeout", limits.drain_timeout, 0, 86400, 30, "seconds"),
    NUMBER("retry", limits.retry, 1, 86400, 60, "seconds"),
    NUMBER("restart_delay", limits.restart_delay, 0, 3600, 60, "seconds"),
    NUMBER("login_threads", limits.login_threads, 1, 64, 0, "threads"),
    {0},
};

static const struct conf_key queue_keys[] = {
    NUMBER("delay_notice", queue.delay_notice, 0, 30 * 86400, 4 * 3600, "seconds"),
    {0},
};

static const struct conf_key tls_keys[] = {
    TEXT("ciphers_tls12", ciphers_tls12, GATE_CIPHERS_SIZE - 1),
    TEXT("ciphers_tls13", ciphers_tls13, GATE_CIPHERS_SIZE - 1),
    {0},
};

static const struct conf_key gate_keys[] = {
    NUMBER("processes", gate_processes, 1, 256, 0, "processes"),
    NUMBER("connections", gate_connections, 0, 1000000, 0, "connections"),
    {0},
};

static void
set_quota(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	const char *text = config_setting_get_string(setting);
	struct configuration *conf = target;
	struct error err;

	if (text == NULL)
		conf_bad(r, setting, "must be a string like \"500M\" or \"2G\"");
	else if (account_quota(text, &conf->quota, &err) == -1)
		conf_bad(r, setting, "%s", err.text);
}

/* Less than that and no mailbox opens. */
#define MEMORY_MIN ((uint64_t)32 << 20)
#define MEMORY_DEFAULT ((uint64_t)1 << 30)

static void
set_memory(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	const char *text = setting == NULL ? NULL : config_setting_get_string(setting);
	struct configuration *conf = target;
	struct error err;

	if (text == NULL)
		conf_bad(r, setting, "must be a string like \"512M\" or \"2G\"");
	else if (account_quota(text, &conf->session_memory, &err) == -1)
		conf_bad(r, setting, "%s", err.text);
	else if (conf->session_memory < MEMORY_MIN)
		conf_bad(r, setting, "must be at least \"32M\"");
}

static const struct conf_key session_keys[] = {
    OTHER("quota", set_quota),
    NUMBER("quota_messages", quota_messages, 0, INT32_MAX, 0, "messages"),
    NUMBER("linger", session_linger, 0, 86400, 30, "seconds"),
    NUMBER("hibernate", session_hibernate, 0, 86400, 120, "seconds"),
    NUMBER("command_seconds", session_command_seconds, 0, 86400, 120, "seconds"),
    OTHER("memory", set_memory),
    {0},
};

/* By enum conf_sender_check. */
static const char *const sender_checks[] = {"both", "envelope", "off", NULL};

/* By enum conf_client_address. */
static const char *const client_addresses[] = {"show", "hide", NULL};

static const struct conf_key submit_limit_keys[] = {
    NUMBER("messages_per_hour", submit_limits.messages_per_hour, 1, 1000000, 1000, "messages"),
    NUMBER("recipients_per_hour", submit_limits.recipients_per_hour, 1, 10000000, 10000,
	   "recipients"),
    NUMBER("recipients_per_message", submit_limits.recipients_per_message, 1, 100000, 1000,
	   "recipients"),
    {0},
};

static const struct conf_key submission_keys[] = {
    GROUP("limits", submit_limit_keys),
    CHOICE("client_address", client_address, client_addresses, CLIENT_ADDRESS_SHOW),
    CHOICE("sender_check", sender_check, sender_checks, SENDER_CHECK_BOTH),
    {0},
};

const struct conf_key conf_keys[] = {
    OTHER("hostname", set_hostname),
    OTHER("domains", set_domains),
    GROUP("addresses", conf_address_keys),
    GROUP("submission", submission_keys),
    PATH("state", state),
    PATH("accounts", accounts),
    PATH("certs", certs),
    OTHER("certificate", set_certificate),
    OTHER("certificates", conf_set_watches),
    GROUP("users", user_keys),
    OTHER("mailbox_uids", set_uids),
    CHOICE("sandbox", sandbox, sandbox_modes, SANDBOX_REQUIRED),
    CHOICE("log", log, log_targets, CONF_LOG_AUTO),
    CHOICE("log_level", log_level, log_levels, LOG_INFO),
    GROUP("limits", limit_keys),
    GROUP("tls", tls_keys),
    GROUP("gate", gate_keys),
    GROUP("session", session_keys),
    GROUP("queue", queue_keys),
    OTHER("relay", conf_set_relay),
    OTHER("defences", conf_set_defences),
    GROUP("filter", conf_filter_keys),
    OTHER("listeners", conf_set_listeners),
    {0},
};

/* PATH's default: LEAF in FOLDER. */
static void
default_path(struct conf_reader *r, char **path, const char *folder, const char *leaf)
{
	if (*path == NULL && asprintf(path, "%s/%s", folder, leaf) == -1) {
		*path = NULL;
		conf_problem(r->problems, (struct conf_where){.file = r->conf->path},
			     "out of memory");
	}
}

static void
require(struct conf_reader *r, const config_setting_t *root, const char *key, const char *example)
{
	if (config_setting_get_member(root, key) == NULL)
		conf_problem(r->problems, (struct conf_where){.file = r->conf->path},
			     "a line is missing, such as: %s", example);
}

/* The names of users where the file gives none. */
static void
default_names(struct conf_reader *r)
{
	struct configuration *conf = r->conf;

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		char *name = conf->users[users[i].role];

		if (name[0] == '\0')
			strlcpy(name, users[i].fallback, CONF_USER_SIZE);
	}
}

void
conf_keys_start(struct conf_reader *r)
{
	conf_table_defaults(conf_keys, r->conf);
	conf_table_defaults(uid_keys, r->conf);
	conf_defences_start(r->conf);
	conf_relay_start(r->conf);
	conf_addresses_start(r->conf);
}

void
conf_keys_finish(struct conf_reader *r, const config_setting_t *root)
{
	struct configuration *conf = r->conf;
	char *copy = strdup(conf->path);

	if (conf->session_memory == 0)
		conf->session_memory = MEMORY_DEFAULT;
	require(r, root, "hostname", "hostname = \"mail.example.org\";");
	require(r, root, "domains", "domains = ( \"example.org\" );");
	require(r, root, "state", "state = \"" STATEDIR "\";");
	if (copy != NULL)
		default_path(r, &conf->accounts, dirname(copy), "accounts.conf");
	free(copy);
	if (conf->state != NULL)
		default_path(r, &conf->certs, conf->state, "certs");
	if (conf->mailbox_first > conf->mailbox_last)
		conf_problem(r->problems, conf->mailbox_where,
			     "mailbox_uids.first is greater than mailbox_uids.last");
	default_names(r);
}
