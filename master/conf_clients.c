/* SPDX-License-Identifier: ISC */
/* client_certificates, client_authorities, client_crl, client_depth of a listener. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/proto/master_verify.h"
#include "master/conf_check.h"
#include "master/conf_keys.h"
#include "master/trusted_file.h"

void
conf_clients_finish(struct conf_reader *r, const struct conf_listener *l)
{
	struct conf_problems *p = r->problems;

	if (l->client_where.line == 0)
		return;
	if (l->clients == CLIENT_OFF) {
		if (l->client_authorities != NULL || l->client_crl != NULL)
			conf_warning(p, l->client_where,
				     "clients are not asked for certificates here: that needs "
				     "client_certificates = \"request\" or \"require\"");
		return;
	}
	if (l->service == SERVICE_SMTP)
		conf_problem(p, l->client_where,
			     "client_certificates are for logins, and the service \"smtp\" has "
			     "none: say it at a submission or pop3 listener");
	if (l->tls == TLS_NONE)
		conf_problem(p, l->client_where, "client_certificates need TLS");
	if (l->client_authorities == NULL)
		conf_problem(p, l->client_where,
			     "client_certificates need client_authorities = \"FILE\": the "
			     "certificates (PEM) of those who may say who a client is");
}

bool
conf_asks_clients(const struct configuration *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		if (conf->listeners[i].clients != CLIENT_OFF)
			return true;
	}
	return false;
}

/* Is MARK somewhere in the file? */
static bool
has_mark(int fd, const char *mark)
{
	char buffer[4096 + 64];
	size_t kept = 0;
	ssize_t n;

	while ((n = read(fd, buffer + kept, sizeof(buffer) - kept)) > 0) {
		size_t length = kept + (size_t)n, keep = strlen(mark) - 1;

		if (memmem(buffer, length, mark, strlen(mark)) != NULL)
			return true;
		kept = length < keep ? length : keep;
		memmove(buffer, buffer + length - kept, kept);
	}
	return false;
}

static void
check_file(const struct conf_listener *l, const char *key, const char *path, const char *mark,
	   uid_t certd, struct conf_problems *problems)
{
	struct error err;
	struct stat st;
	int fd;

	if (path == NULL)
		return;
	fd = trusted_file_open(path, certd, &err);
	if (fd == -1)
		conf_problem(problems, l->client_where, "%s: %s", key, err.text);
	else if (fstat(fd, &st) == 0 && st.st_size > AUTHORITIES_FILE_MAX)
		conf_problem(problems, l->client_where, "%s: %s is longer than %u bytes", key, path,
			     AUTHORITIES_FILE_MAX);
	else if (!has_mark(fd, mark))
		conf_problem(problems, l->client_where, "%s: %s has no \"%s\" in it", key, path,
			     mark);
	if (fd != -1)
		close(fd);
}

void
conf_check_clients(const struct configuration *conf, const struct conf_users *users,
		   struct conf_problems *problems)
{
	/* The server's own authority for clients is certd's: certs/authority/. */
	const uid_t certd = users->uid[ROLE_CERTD];

	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->clients == CLIENT_OFF)
			continue;
		check_file(l, "client_authorities", l->client_authorities,
			   "-----BEGIN CERTIFICATE-----", certd, problems);
		check_file(l, "client_crl", l->client_crl, "-----BEGIN X509 CRL-----", certd,
			   problems);
	}
}
