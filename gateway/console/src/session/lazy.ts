// What is loaded when somebody has to say who they are.

export { StepUp } from "./Proof";
export { SignInPage } from "./SignIn";
