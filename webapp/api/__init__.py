"""JSON for tills and shops, version 1: thin over the services of webapp.coupons, behind keys that an owner makes."""
