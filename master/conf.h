/* SPDX-License-Identifier: ISC */
/*
 * conf - postern.conf as one typed struct.
 *
 * conf_load() goes from the file to the struct and looks at nothing else; conf_check() then
 * compares what was asked for with this host (users, certificates, folders). Both report every
 * problem they find, with file and line. postern.conf(5) describes the keys.
 */
#ifndef POSTERN_MASTER_CONF_H
#define POSTERN_MASTER_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"
#include "common/proto/master_certd.h"
#include "common/proto/master_child.h"
#include "common/proto/master_filter.h"
#include "common/proto/master_gate.h"
#include "common/proto/master_queue.h"
#include "common/proto/master_relay.h"
#include "master/network.h"

#define CONF_LISTENERS_MAX 64
#define CONF_ADDRESSES_MAX 16 /* a listener */
#define CONF_SOCKET_SIZE 108  /* sockaddr_un's, with its NUL */
#define CONF_USER_SIZE 33     /* useradd(8): 32 characters */

/* Where something was said; the file is kept by the configuration. Line 0: nowhere, a default. */
struct conf_where {
	const char *file;
	unsigned line;
};

/* Names of certificates. */
struct conf_names {
	size_t count;
	char name[LISTENER_CERTIFICATES_MAX][CERT_NAME_SIZE];
};

struct conf_listener {
	struct conf_where where;
	struct conf_where certificate_where;
	uint32_t service; /* enum service */
	uint32_t tls;     /* enum tls_mode */
	uint32_t port;
	uint32_t max_connections;
	uint32_t max_connections_per_address;
	uint32_t max_rate_per_address; /* connections a minute; 0: no limit */
	uint32_t idle_timeout;         /* seconds */
	uint32_t sni;                  /* enum sni_mode */
	uint32_t clients;              /* enum client_mode: client_certificates */
	uint32_t client_depth;    /* authorities between a client's certificate and a trusted one */
	char *client_authorities; /* paths; NULL: not given */
	char *client_crl;
	struct conf_where client_where; /* of the first of these keys */
	bool weak;                      /* may present RSA keys below 2048 bits */
	bool tls_given;
	bool all_addresses; /* none were given: those of a family the host lacks are left out */
	struct conf_names certificates; /* none: the one for hostname, else the only one */
	struct endpoint addresses[CONF_ADDRESSES_MAX];
	size_t address_count;
	struct network networks[GATE_NETWORKS_MAX]; /* allow first, then deny */
	size_t allow_count;
	size_t deny_count;
};

/* A folder in which something else renews a certificate. */
#define CONF_WATCHES_MAX 256
struct conf_watch {
	struct conf_where where;
	char name[CERT_NAME_SIZE];
	char *folder; /* absolute */
};

enum conf_log { CONF_LOG_AUTO, CONF_LOG_STDERR, CONF_LOG_SYSLOG, CONF_LOG_JOURNAL };

enum conf_client_address { CLIENT_ADDRESS_SHOW, CLIENT_ADDRESS_HIDE };
enum conf_early { EARLY_REFUSE, EARLY_LOG };
enum conf_sender_check { SENDER_CHECK_BOTH, SENDER_CHECK_ENVELOPE, SENDER_CHECK_OFF };

struct conf_limits {
	uint32_t sessions;          /* session processes */
	uint32_t message_size;      /* bytes */
	uint32_t recipients;        /* a message */
	uint32_t errors;            /* bad commands a connection */
	uint32_t handshake_timeout; /* seconds */
	uint32_t command_timeout;   /* seconds */
	uint32_t drain_timeout;     /* seconds */
	uint32_t retry;             /* seconds */
	uint32_t restart_delay;     /* seconds, the most between two starts of a child */
	uint32_t login_threads;     /* 0: one a core */
};

/* What addresses of one of the domains mean. */
struct conf_address_domain {
	struct conf_where where;
	char name[HOST_NAME_SIZE];
	char separator[2]; /* as below */
	bool forward;
	bool tag_folders;
	bool separator_given, forward_given, tag_folders_given;
};

/* What addresses mean, where their domain has nothing of its own. */
struct conf_addresses {
	char separator[2];               /* "": local parts have no tags */
	bool forward;                    /* aliases may lead to other hosts */
	bool tag_folders;                /* a tag may name a folder */
	bool srs;                        /* and then the reverse-path is rewritten, */
	char srs_domain[HOST_NAME_SIZE]; /* to one of this domain */
	struct conf_address_domain *domains;
	size_t domain_count;
};

/* Mail that is on its way, wherever to. */
struct conf_queue {
	uint32_t delay_notice; /* seconds; 0: none is sent */
};

/* Which way mail to some domains takes: struct mr_route, but for the password. */
struct conf_route {
	struct conf_where where;
	bool faulty; /* what is wrong with its names has been told */
	char domain[HOST_NAME_SIZE];
	char host[HOST_NAME_SIZE]; /* "": as DNS says */
	char helo[HOST_NAME_SIZE]; /* "": the hostname */
	uint32_t port;
	uint32_t protocol; /* enum relay_protocol */
	uint32_t tls;      /* enum relay_tls */
	bool implicit_tls;
	bool inbound; /* strangers may send there, too */
	uint32_t connections;
	struct in6_addr source[2]; /* of IPv4, as a mapped one, and of IPv6; all zero: any */
	char user[RELAY_USER_SIZE];
	char *password_file;              /* absolute; NULL: nobody logs in */
	bool certificate_set;             /* the file says which, or that there is none */
	char certificate[CERT_NAME_SIZE]; /* shown to servers that ask for one; "": none */
};

/* Mail to other domains. */
struct conf_relay {
	bool wanted;                /* the group is there */
	struct conf_route standard; /* for "*": what the group itself says */
	struct conf_route *routes;  /* the others */
	size_t route_count;
	bool address_literals;
	uint32_t expire;        /* seconds */
	uint32_t reply_timeout; /* seconds */
	char resolvers[RESOLVERS_MAX][RESOLVER_SIZE];
	size_t resolver_count; /* 0: those of this host */
	uint32_t validation;   /* enum dns_validation */
	char *anchors;         /* NULL: the root's, built in */
	char *authorities;     /* NULL: the host's */
	uint32_t sts_port;     /* 0: no MTA-STS */
	struct conf_where anchors_where;
	struct conf_where authorities_where;
};

/* Networks. */
struct conf_exempt {
	struct network networks[GATE_EXEMPT_MAX];
	size_t count;
};

/* What is done against programs that are no mail servers, and against guessing. */
struct conf_defences {
	uint32_t greeting_pause; /* seconds; 0: none */
	uint32_t early_talkers;  /* enum conf_early */
	uint32_t tarpit;         /* seconds at most; 0: none */
	struct greylist_rules greylist;
	struct conf_exempt exempt[EXEMPT_KINDS];
};

/* What becomes of mail before it is taken. */
struct conf_filter {
	uint32_t check;                       /* enum filter_check */
	uint32_t failure;                     /* enum filter_failure */
	uint32_t sign;                        /* 1: with the keys that there are */
	uint32_t actions[FILTER_EVENT_COUNT]; /* enum filter_action */
	char arc_trusted[FILTER_TRUSTED_MAX][HOST_NAME_SIZE];
	size_t arc_trusted_count;
	struct conf_exempt exempt;
	struct mf_milter milters[FILTER_MILTERS_MAX];
	uint32_t milter_count;
	char milter_paths[FILTER_MILTERS_MAX][CONF_SOCKET_SIZE]; /* of local ones */
	struct mf_list lists[FILTER_LISTS_MAX];
	uint32_t list_count;
};

struct configuration {
	char *path; /* absolute */
	char hostname[HOST_NAME_SIZE];
	struct conf_where hostname_where;
	char **domains; /* lower case */
	size_t domain_count;
	struct conf_addresses addresses;
	uint32_t sender_check; /* enum conf_sender_check */
	struct submit_limits submit_limits;
	uint32_t client_address; /* enum conf_client_address */
	char *state;             /* paths are absolute */
	char *accounts;          /* accounts.conf */
	char *certs;
	struct conf_names certificates; /* the default of listeners */
	struct conf_where certificate_where;
	char users[ROLE_COUNT][CONF_USER_SIZE]; /* name or number; none for ROLE_SESSION */
	struct conf_where users_where[ROLE_COUNT];
	uint32_t mailbox_first;
	uint32_t mailbox_last;
	struct conf_where mailbox_where;
	uint32_t sandbox;   /* enum sandbox_mode */
	uint32_t log;       /* enum conf_log */
	uint32_t log_level; /* syslog(3) */
	struct conf_limits limits;
	char ciphers_tls12[GATE_CIPHERS_SIZE];
	char ciphers_tls13[GATE_CIPHERS_SIZE];
	uint32_t gate_processes; /* 0: one a core */
	uint32_t gate_connections;
	uint64_t quota;                   /* octets a mailbox may hold; 0: no limit */
	uint32_t quota_messages;          /* 0: no limit */
	uint32_t session_linger;          /* seconds */
	uint32_t session_hibernate;       /* seconds; 0: never */
	uint32_t session_command_seconds; /* of CPU time; 0: no limit */
	uint64_t session_memory;          /* octets */
	struct conf_queue queue;
	struct conf_relay relay;
	struct conf_defences defences;
	struct conf_filter filter;
	struct conf_listener *listeners;
	size_t listener_count;
	struct conf_watch *watches;
	size_t watch_count;

	char **files; /* names that struct conf_where points to */
	size_t file_count;
};

struct conf_problem {
	char *file;
	unsigned line; /* 0: of the whole file */
	bool warning;
	char text[ERROR_MAX];
};

#define CONF_PROBLEMS_MAX 50
struct conf_problems {
	struct conf_problem list[CONF_PROBLEMS_MAX];
	size_t count;
	size_t errors; /* of them, or beyond them, no mere warnings */
};

/* At most CONF_PROBLEMS_MAX are kept, all errors are counted. */
void conf_problem(struct conf_problems *, struct conf_where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conf_warning(struct conf_problems *, struct conf_where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conf_problems_free(struct conf_problems *); /* what it points to */
/* Each as "FILE:LINE: TEXT", as compilers do. */
void conf_problems_print(const struct conf_problems *, FILE *);
/* Each as a log event "config.error" or "config.warning". */
void conf_problems_log(const struct conf_problems *);

/*
 * Reads the file at PATH (and what it includes). Returns the configuration, or NULL if there is an
 * error among the problems; free it with conf_free().
 */
struct configuration *conf_load(const char *path, struct conf_problems *);
/* The same from TEXT, which is what PATH is said to contain. */
struct configuration *conf_load_text(const char *text, const char *path, struct conf_problems *);
void conf_free(struct configuration *);

/* How far mail of submitters goes: enum mail_reach. */
uint32_t conf_reach(const struct configuration *);
bool conf_has_domain(const struct configuration *, const char *domain);
/* What stands before a tag that names a folder of this mailbox (user@domain); NUL: none does. */
char conf_tag_separator(const struct configuration *, const char *mailbox);

/*
 * Which keys the listeners can choose: the flags of MD_GATE, and its tail, every certificate that
 * is named, each once, a NUL behind each. OUT is of CERTD_NAMES_MAX bytes; *LENGTH in bytes.
 */
void conf_gate_keys(const struct configuration *, struct md_gate *, char *out, size_t *length);

/* What certd counts the handshakes of a listener under. */
struct gc_listener conf_listener_label(const struct conf_listener *);

/* Every certificate the listeners name, as the tail above. Returns how many. */
size_t conf_certificates(const struct configuration *, char *out, size_t *length);

/*
 * The certificates with which relay is a client of other servers, as conf_certificates() has those
 * of the listeners; OUT has CERTD_RELAY_KEYS_MAX * CERT_NAME_SIZE bytes.
 */
size_t conf_relay_certificates(const struct configuration *, char *out, size_t *length);
/* Does relay show this one to servers that ask? */
bool conf_relay_shows(const struct configuration *, const char *name);
/* And no listener for the mere being there (certd/gates.h)? */
bool conf_relay_keeps(const struct configuration *, const char *name);

/* The words of the configuration file. */
extern const char *const conf_services[];  /* by enum service, ends with NULL */
extern const char *const conf_tls_modes[]; /* by enum tls_mode */
extern const char *const conf_sni_modes[]; /* by enum sni_mode */

/* -- For the parts of the reader itself ----------------------------------------- */

/* Keeps a file's name as long as the configuration lives. */
const char *conf_file(struct configuration *, const char *name);

#endif
