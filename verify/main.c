/* SPDX-License-Identifier: ISC */
/*
 * postern-verify verify LOG-FORMAT: started by the master, never by hand. A program of its own, so
 * that neither accounts nor any session links OpenSSL.
 */
#include "verify/role.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&verify_role, NULL};

	child_main(argc, argv, roles);
}
