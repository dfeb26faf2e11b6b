variable "region" { type = string }

variable "image" {
  description = "The silo's image in a registry that ECS reaches."
  type        = string
}

variable "image_repository_arn" {
  description = "Its repository, where that is ECR."
  type        = string
  default     = null
}

variable "bootstrap_servers" {
  description = "Kafka: host:port[,host:port…]"
  type        = string
}

variable "topic" {
  type    = string
  default = "events"
}

variable "database" {
  type    = string
  default = "lake"
}

variable "columns" {
  description = "The table's columns, as in CREATE TABLE."
  type        = string
  default     = "id BIGINT, name VARCHAR, at TIMESTAMP(6) WITH TIME ZONE"
}
