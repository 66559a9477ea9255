/* SPDX-License-Identifier: ISC */
/*
 * postern-lookup lookup LOG-FORMAT: started by posternctl, never by hand. A program of its own: it
 * talks to name servers, and posternctl, which is root's, links no libunbound and no OpenSSL.
 */
#include "worker/roles.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&lookup_role, NULL};

	child_main(argc, argv, roles);
}
