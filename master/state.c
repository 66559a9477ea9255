/* SPDX-License-Identifier: ISC */
#include "master/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	mode_t mode;
	enum role owner; /* ROLE_COUNT: the master */
	mode_t forbidden;
} folders[STATE_COUNT] = {
    [STATE_TOP] = {NULL, 0711, ROLE_COUNT, 022},
    [STATE_CERTS] = {"certs", 0700, ROLE_CERTD, 077},
    [STATE_MAIL] = {"mail", 0711, ROLE_COUNT, 022},
    [STATE_QUEUE] = {"queue", 0700, ROLE_QUEUE, 077},
    /* Nothing may be put there: child.c wants it of root, and writable by nobody else. */
    [STATE_EMPTY] = {"empty", 0555, ROLE_COUNT, 0222},
};

const char *
state_path(const struct configuration *conf, enum state_folder folder, char out[PATH_MAX])
{
	if (folder == STATE_TOP)
		strlcpy(out, conf->state, PATH_MAX);
	else if (folder == STATE_CERTS)
		strlcpy(out, conf->certs, PATH_MAX);
	else
		snprintf(out, PATH_MAX, "%s/%s", conf->state, folders[folder].name);
	return out;
}

static void
owner_of(const struct conf_users *users, enum state_folder folder, uid_t *uid, gid_t *gid)
{
	enum role owner = folders[folder].owner;

	*uid = geteuid();
	*gid = getegid();
	if (owner != ROLE_COUNT && users->uid[owner] != UINT32_MAX) {
		*uid = users->uid[owner];
		*gid = users->gid[owner];
	}
}

static int
check(int fd, const char *path, const struct conf_users *users, enum state_folder folder,
      struct error *err)
{
	struct stat st;
	uid_t uid;
	gid_t gid;

	owner_of(users, folder, &uid, &gid);
	if (fstat(fd, &st) == -1)
		return error_errno(err, "%s", path);
	if (st.st_uid != uid)
		return error_set(err, "%s belongs to uid %u, not to %u: chown %u %s", path,
				 st.st_uid, uid, uid, path);
	if ((st.st_mode & folders[folder].forbidden) != 0)
		return error_set(err, "%s has mode %04o, which lets others in: chmod %04o %s", path,
				 st.st_mode & 07777U, folders[folder].mode, path);
	return 0;
}

int
state_open(const struct configuration *conf, const struct conf_users *users,
	   enum state_folder folder, struct error *err)
{
	char path[PATH_MAX];
	int fd = open(state_path(conf, folder, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "the folder %s", path);
	if (check(fd, path, users, folder, err) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Owner before mode, mode before anybody has put something there. */
static int
make(const char *path, const struct conf_users *users, enum state_folder folder, struct error *err)
{
	uid_t uid;
	gid_t gid;
	int fd, result = 0;

	owner_of(users, folder, &uid, &gid);
	if (mkdir(path, 0700) == -1)
		return error_errno(err, "making the folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return error_errno(err, "the folder %s", path);
	if (uid != geteuid() && fchown(fd, uid, gid) == -1)
		result = error_errno(err, "giving %s to uid %u", path, uid);
	else if (fchmod(fd, folders[folder].mode) == -1)
		result = error_errno(err, "the mode of %s", path);
	close(fd);
	return result;
}

int
state_prepare(const struct configuration *conf, const struct conf_users *users, struct error *err)
{
	char path[PATH_MAX];
	int fd;

	if (strlen(conf->state) > PATH_MAX - 16)
		return error_set(err, "the path of the state folder is too long");
	for (enum state_folder f = STATE_TOP; f < STATE_COUNT; f++) {
		if (access(state_path(conf, f, path), F_OK) == -1 && errno == ENOENT &&
		    make(path, users, f, err) == -1)
			return -1;
		fd = state_open(conf, users, f, err);
		if (fd == -1)
			return -1;
		close(fd);
	}
	return 0;
}
