/* SPDX-License-Identifier: ISC */
/* Whether each listener has a certificate, as far as the names of files tell. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base64.h"
#include "common/cert_name.h"
#include "master/conf_check.h"

#define CERTIFICATE_FILE_MAX 65536 /* what is looked at of a file */
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END"
#define DNS_NAME 0x82 /* RFC 5280 4.2.1.6: dNSName [2] IA5String */

static struct conf_where
whole_file(const struct configuration *conf)
{
	return (struct conf_where){.file = conf->path};
}

/* Returns the folder, or -1 if there is none (or it is of no use, and that has been told). */
static int
open_certs(const struct configuration *conf, const struct conf_users *users,
	   struct conf_problems *problems)
{
	uid_t owner = users->uid[ROLE_CERTD] == UINT32_MAX ? geteuid() : users->uid[ROLE_CERTD];
	int fd = open(conf->certs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd == -1 && errno == ENOENT)
		return -1;
	if (fd == -1 || fstat(fd, &st) == -1)
		conf_problem(problems, whole_file(conf), "the certs folder %s: %s", conf->certs,
			     strerror(errno));
	else if (st.st_uid != owner)
		conf_problem(
		    problems, whole_file(conf),
		    "the certs folder %s belongs to uid %u, not to certd's %u: chown -R %u "
		    "%s",
		    conf->certs, st.st_uid, owner, owner, conf->certs);
	else if ((st.st_mode & 077) != 0)
		conf_problem(problems, whole_file(conf),
			     "the certs folder %s has mode %04o, others may reach the keys: chmod "
			     "0700 %s",
			     conf->certs, st.st_mode & 07777U, conf->certs);
	else
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

static bool
file_exists(int certs, const char *name, const char *suffix)
{
	char file[CERT_NAME_SIZE + sizeof(".crt")];

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	return certs != -1 && faccessat(certs, file, F_OK, AT_EACCESS) == 0;
}

/* Certificate and key, each in its file or in the one that has all. */
static bool
certificate_exists(int certs, const char *name)
{
	return file_exists(certs, name, ".pem") ||
	       (file_exists(certs, name, ".crt") && file_exists(certs, name, ".key"));
}

/* The first certificate of a PEM file as DER, in place. Returns its length, 0 if there is none. */
static size_t
first_certificate(char *text)
{
	char *from = strstr(text, PEM_BEGIN), *end, *to = text;
	size_t length;

	if (from == NULL || (end = strstr(from += strlen(PEM_BEGIN), PEM_END)) == NULL)
		return 0;
	for (; from < end; from++) {
		if (strchr(" \t\r\n", *from) == NULL)
			*to++ = *from;
	}
	if (base64_decode(text, (size_t)(to - text), text, CERTIFICATE_FILE_MAX, &length) == -1)
		return 0;
	return length;
}

/* Is HOST among what looks like a dNSName? It is only for this check: the choice is the gate's. */
static bool
der_has_host(const uint8_t *der, size_t length, const char *host)
{
	size_t size = strlen(host);

	for (size_t i = 0; i + 2 + size <= length; i++) {
		if (der[i] == DNS_NAME && der[i + 1] == size &&
		    strncasecmp((const char *)der + i + 2, host, size) == 0)
			return true;
	}
	return false;
}

/* By its NAME.crt: a NAME.pem has a private key in it, which is certd's alone to read. */
static bool
certificate_is_for(int certs, const char *name, const char *host)
{
	char file[CERT_NAME_SIZE + sizeof(".crt")], wildcard[HOST_NAME_SIZE + 1] = "";
	char *text = calloc(1, CERTIFICATE_FILE_MAX + 1);
	const char *rest = strchr(host, '.');
	ssize_t got = -1;
	size_t length;
	bool found;
	int fd;

	snprintf(file, sizeof(file), "%s.crt", name);
	fd = openat(certs, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd != -1 && text != NULL)
		got = read(fd, text, CERTIFICATE_FILE_MAX);
	if (fd != -1)
		close(fd);
	if (got <= 0) {
		free(text);
		return false;
	}
	length = first_certificate(text);
	if (rest != NULL)
		snprintf(wildcard, sizeof(wildcard), "*%s", rest);
	found = der_has_host((const uint8_t *)text, length, host) ||
		(rest != NULL && der_has_host((const uint8_t *)text, length, wildcard));
	free(text);
	return found;
}

/* What is in the folder, for a listener that names nothing. */
struct found {
	char some[CERT_NAME_SIZE + 4]; /* a file of a certificate, whole or not; "": none */
	size_t count;
	bool for_host;
};

/* Is FILE the one that a certificate is counted by? */
static bool
is_first_file(int certs, const char *file, char name[CERT_NAME_SIZE])
{
	return cert_name_from_file(file, ".key", name, CERT_NAME_SIZE) ||
	       (cert_name_from_file(file, ".pem", name, CERT_NAME_SIZE) &&
		!file_exists(certs, name, ".key"));
}

static void
look_into(int certs, const char *host, struct found *found)
{
	int fd = certs == -1 ? -1 : openat(certs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	char name[CERT_NAME_SIZE];
	struct dirent *entry;

	*found = (struct found){.count = 0};
	if (list == NULL && fd != -1)
		close(fd);
	while (list != NULL && (entry = readdir(list)) != NULL) {
		/* certd makes a first certificate only in a folder without these. */
		if (found->some[0] == '\0' && cert_name_is_file(entry->d_name))
			strlcpy(found->some, entry->d_name, sizeof(found->some));
		if (!is_first_file(certs, entry->d_name, name) || !certificate_exists(certs, name))
			continue;
		found->count++;
		if (!found->for_host)
			found->for_host =
			    strcmp(name, host) == 0 || certificate_is_for(certs, name, host);
	}
	if (list != NULL)
		closedir(list);
}

/* One complaint a certificate, however many listeners name it. */
static bool
named_before(const struct configuration *conf, size_t listener, const char *name)
{
	for (size_t i = 0; i < listener; i++) {
		const struct conf_names *names = &conf->listeners[i].certificates;

		for (size_t j = 0; conf->listeners[i].tls != TLS_NONE && j < names->count; j++) {
			if (strcmp(names->name[j], name) == 0)
				return true;
		}
	}
	return false;
}

/* One that is watched comes when it has been found there. */
static bool
is_watched(const struct configuration *conf, const char *name)
{
	for (size_t i = 0; i < conf->watch_count; i++) {
		if (strcmp(conf->watches[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
check_named(const struct configuration *conf, size_t listener, int certs,
	    struct conf_problems *problems)
{
	const struct conf_listener *l = &conf->listeners[listener];

	for (size_t i = 0; i < l->certificates.count; i++) {
		const char *name = l->certificates.name[i];

		if (!named_before(conf, listener, name) && !is_watched(conf, name) &&
		    !certificate_exists(certs, name))
			conf_problem(problems, l->certificate_where,
				     "the certificate \"%s\" does not exist in %s: create it "
				     "with: posternctl cert create %s",
				     name, conf->certs, name);
	}
}

/* None at all is fine: certd makes one then. */
static void
check_unnamed(const struct configuration *conf, const struct conf_listener *l, int certs,
	      struct conf_problems *problems)
{
	struct found found;

	look_into(certs, conf->hostname, &found);
	if (found.count == 0 && found.some[0] != '\0')
		conf_problem(problems, l->certificate_where,
			     "no certificate in %s is whole: to %s belong a NAME.key and a "
			     "NAME.crt; put back what is missing, or move it away and create one "
			     "with: posternctl cert create %s",
			     conf->certs, found.some, conf->hostname);
	if (found.count > 1 && !found.for_host)
		conf_problem(problems, l->certificate_where,
			     "which of the %zu certificates in %s? None is for the hostname "
			     "\"%s\": name one with certificate = \"NAME\", or create one with: "
			     "posternctl cert create %s",
			     found.count, conf->certs, conf->hostname, conf->hostname);
}

void
conf_check_certificates(const struct configuration *conf, const struct conf_users *users,
			struct conf_problems *problems)
{
	size_t errors = problems->errors;
	int certs = open_certs(conf, users, problems);
	bool unnamed = false;

	if (certs == -1 && problems->errors != errors)
		return;
	for (size_t i = 0; i < conf->listener_count && problems->errors - errors < 10; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->tls == TLS_NONE)
			continue;
		check_named(conf, i, certs, problems);
		if (l->certificates.count == 0 && !unnamed) {
			check_unnamed(conf, l, certs, problems);
			unnamed = true;
		}
	}
	if (certs != -1)
		close(certs);
}
