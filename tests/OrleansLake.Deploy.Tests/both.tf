# The test puts ENDPOINT, SCALING and MODULES in.
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = false
  skip_metadata_api_check     = true
  max_retries                 = 1
  endpoints {
    ec2                    = "ENDPOINT"
    ecs                    = "ENDPOINT"
    iam                    = "ENDPOINT"
    sts                    = "ENDPOINT"
    logs                   = "ENDPOINT"
    cloudwatch             = "ENDPOINT"
    applicationautoscaling = "SCALING"
    autoscaling            = "ENDPOINT"
    ssm                    = "ENDPOINT"
    dynamodb               = "ENDPOINT"
  }
}
resource "aws_vpc" "this" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "this" {
  for_each          = { "eu-west-1a" = "10.0.1.0/24", "eu-west-1b" = "10.0.2.0/24" }
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value
}
module "fargate" {
  source               = "MODULES"
  name                 = "lake-fargate"
  silos                = { min = 2, desired = 2, max = 6 }
  image                = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/orleanslake:1"
  image_repository_arn = "arn:aws:ecr:eu-west-1:123456789012:repository/orleanslake"
  vpc_id               = aws_vpc.this.id
  subnet_ids           = [for s in aws_subnet.this : s.id]
  warehouse            = [{ bucket = "lake", prefix = "tables/" }, { bucket = "other" }]
  glue_databases       = ["db"]
  secret_arns          = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-abc"]
  secrets              = { "ORLEANSLAKE__PIPELINES__0__KAFKA__client.id" = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-abc" }
  clustering           = "dynamodb"
  dynamodb             = { deletion_protection = false }
  parameter_arns       = ["arn:aws:ssm:eu-west-1:123456789012:parameter/kafka"]
  kms_key_arns         = ["arn:aws:kms:eu-west-1:123456789012:key/abc"]
  msk                  = { cluster_arn = "arn:aws:kafka:eu-west-1:123456789012:cluster/demo/11111111-2222", topics = ["events"], dead_letter_topics = ["events-dlq"] }
  alarm_actions        = ["arn:aws:sns:eu-west-1:123456789012:oncall"]
  config = {
    warehouse = "s3://lake/tables"
    catalog   = { name = "glue", type = "glue", region = "eu-west-1" }
    s3        = { region = "eu-west-1" }
    orleans   = { clusterId = "another" }
    pipelines = [{
      name  = "events", topics = ["events"], table = "db.events"
      kafka = { "bootstrap.servers" = "b-1.demo.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098", "security.protocol" = "sasl_ssl", "sasl.mechanism" = "AWS_MSK_IAM" }
    }]
  }
}
module "ec2" {
  source       = "MODULES"
  name         = "lake-ec2"
  launch_type  = "EC2"
  architecture = "X86_64"
  ami_id       = "ami-12c6146b"
  silos        = { min = 1, desired = 1, max = 1 }
  clustering   = "dynamodb"
  dynamodb     = { capacity = { read = 20, write = 10 } }
  image        = "x:1"
  vpc_id       = aws_vpc.this.id
  subnet_ids   = [for s in aws_subnet.this : s.id]
  warehouse    = [{ bucket = "lake" }]
  config       = { warehouse = "x", pipelines = [{ name = "events", topics = ["events"], table = "db.events", kafka = { "bootstrap.servers" = "b:9098" } }] }
}
