variable "name" { type = string }
variable "region" { type = string }
variable "cluster_name" { type = string }
variable "service_name" { type = string }
variable "silos" { type = object({ min = number, desired = number, max = number }) }
variable "actions" { type = list(string) }
variable "freshness_seconds" { type = number }
variable "lag_records" { type = number }
variable "tags" { type = map(string) }
