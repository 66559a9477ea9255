/* SPDX-License-Identifier: ISC */
#include "master/conf_check.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const enum role separate_roles[] = {ROLE_CERTD, ROLE_GATE, ROLE_ACCOUNTS, ROLE_QUEUE};
#define SEPARATE_COUNT (sizeof(separate_roles) / sizeof(separate_roles[0]))

static struct conf_where
whole_file(const struct configuration *conf)
{
	return (struct conf_where){.file = conf->path};
}

static void
find_user(const struct configuration *conf, enum role role, struct conf_users *users,
	  struct conf_problems *problems)
{
	struct conf_where where = conf->users_where[role];
	const char *name = conf->users[role], *error = NULL;
	const struct passwd *pw;
	long long number;

	if (where.line == 0)
		where = whole_file(conf);
	number = strtonum(name, 1, UINT32_MAX - 1, &error);
	if (error == NULL) {
		/* A number needs no entry; its group is the one of the same number then. */
		/* cppcheck-suppress getpwuidCalled ; the master has one thread */
		pw = getpwuid((uid_t)number);
		users->uid[role] = (uint32_t)number;
		users->gid[role] = pw != NULL && pw->pw_gid != 0 ? pw->pw_gid : (uint32_t)number;
		return;
	}
	/* cppcheck-suppress getpwnamCalled ; the master has one thread */
	pw = getpwnam(name);
	if (pw == NULL) {
		conf_problem(problems, where,
			     "there is no user \"%s\": run systemd-sysusers (its file is "
			     "sysusers.d/postern.conf), or name others with users = { ... }",
			     name);
		return;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		conf_problem(problems, where,
			     "the user \"%s\" has root's uid or gid: no child runs as root", name);
		return;
	}
	users->uid[role] = pw->pw_uid;
	users->gid[role] = pw->pw_gid;
}

/* Two roles with one uid could reach into each other: the walls need them apart. */
static void
check_apart(const struct configuration *conf, const struct conf_users *users,
	    struct conf_problems *problems)
{
	for (size_t i = 0; i < SEPARATE_COUNT; i++) {
		enum role a = separate_roles[i];

		if (users->uid[a] == UINT32_MAX)
			continue;
		if (users->uid[a] >= conf->mailbox_first && users->uid[a] <= conf->mailbox_last &&
		    conf->mailbox_where.line != 0)
			conf_problem(problems, conf->mailbox_where,
				     "mailbox_uids contains the uid %u of the user \"%s\"",
				     users->uid[a], conf->users[a]);
		for (size_t j = 0; j < i; j++) {
			enum role b = separate_roles[j];

			if (users->uid[a] == users->uid[b])
				conf_problem(problems, whole_file(conf),
					     "the users \"%s\" and \"%s\" have the same uid %u: "
					     "each role needs one of its own",
					     conf->users[b], conf->users[a], users->uid[a]);
		}
	}
}

void
conf_find_users(const struct configuration *conf, struct conf_users *users,
		struct conf_problems *problems)
{
	memset(users, 0xff, sizeof(*users));
	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < SEPARATE_COUNT; i++)
		find_user(conf, separate_roles[i], users, problems);
	check_apart(conf, users, problems);
}

void
conf_check_file(const struct configuration *conf, struct conf_problems *problems)
{
	struct stat st;

	if (geteuid() != 0 || stat(conf->path, &st) == -1)
		return;
	if (st.st_uid != 0 || (st.st_mode & 022) != 0)
		conf_problem(problems, whole_file(conf),
			     "others than root can change this file, and so what root does: chown "
			     "root %s && chmod go-w %s",
			     conf->path, conf->path);
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
certificate_exists(int certs, const char *name)
{
	static const char *const suffixes[] = {"crt", "key"};
	char file[CERT_NAME_SIZE + sizeof(".crt")];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(file, sizeof(file), "%s.%s", name, suffixes[i]);
		if (certs == -1 || faccessat(certs, file, F_OK, AT_EACCESS) == -1)
			return false;
	}
	return true;
}

/* Was the certificate of listener N named by an earlier one? Then that one has been told of it. */
static bool
named_before(const struct configuration *conf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (conf->listeners[i].tls != TLS_NONE &&
		    strcmp(conf->listeners[i].certificate, conf->listeners[n].certificate) == 0)
			return true;
	}
	return false;
}

void
conf_check_certificates(const struct configuration *conf, const struct conf_users *users,
			struct conf_problems *problems)
{
	size_t errors = problems->errors;
	int certs = open_certs(conf, users, problems);

	for (size_t i = 0; i < conf->listener_count && problems->errors - errors < 10; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (certs == -1 && problems->errors != errors)
			break;
		if (l->tls == TLS_NONE || named_before(conf, i) ||
		    certificate_exists(certs, l->certificate))
			continue;
		conf_problem(problems, l->certificate_where,
			     "the certificate \"%s\" does not exist in %s: create it with: "
			     "posternctl cert create %s",
			     l->certificate, conf->certs, l->certificate);
	}
	if (certs != -1)
		close(certs);
}
